"""The last steps of a run: the parts become the output, the output the forms of other programs."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

from boxmask.annotate.events import Event, Report
from boxmask.annotate.gather import gathered
from boxmask.annotate.job import Job
from boxmask.annotate.merge import write_output
from boxmask.annotate.plan import Plan, save
from boxmask.annotate.scope import Scope
from boxmask.annotate.work import WorkFolder
from boxmask.dataset import BoxDataset
from boxmask.durable import digest, put, writing
from boxmask.export import write_index_pngs, write_yolo

# By the field of Job that names the folder.
EXPORTS: dict[str, Callable[[BoxDataset, Path, Path], int]] = {
    "index_png": write_index_pngs,
    "yolo": write_yolo,
}


def merge_parts(scope: Scope, plan: Plan, work: WorkFolder, report: Report) -> Plan:
    """Write the output and its log, and return the plan that knows them.

    Both are on the disk and in the plan before they get their names: whenever a run is killed, the
    next one can tell its own output from somebody else's.
    """
    total = len(scope.status)
    out, log = work.staged_output, work.staged_log
    with (
        gathered(work.parts(plan), rows=total, scratch=work.path) as found,
        writing(out) as out_stream,
        writing(log) as log_stream,
        _packed(out_stream, work.out.suffix == ".gz") as text,
    ):
        tally = write_output(
            scope.dataset,
            scope.status,
            found,
            out=text,
            log=log_stream,
            report=lambda done: report(Event("merge", done, total)),
        )
    digests = {work.out.name: digest(out), work.log.name: digest(log)}
    plan = replace(plan, outputs=digests, tally=tally)
    save(plan, work.plan)
    put(log, work.log)
    put(out, work.out)
    report(Event("merge", total, total))
    return plan


def lacking(job: Job, plan: Plan) -> dict[str, Path]:
    """Return the exports that are wanted and not complete, by name."""
    wanted = {name: getattr(job, name) for name in EXPORTS}
    return {
        name: folder
        for name, folder in wanted.items()
        if folder is not None and not (plan.exported.get(name) == str(folder) and folder.is_dir())
    }


def export(scope: Scope, plan: Plan, work: WorkFolder, report: Report) -> Plan:
    """Write the exports that are lacking, and return the plan that knows them."""
    for name, folder in lacking(scope.job, plan).items():
        report(Event(name, 0, 1))
        EXPORTS[name](scope.dataset, work.out, folder)
        plan = replace(plan, exported=plan.exported | {name: str(folder)})
        save(plan, work.plan)
        report(Event(name, 1, 1))
    return plan


@contextmanager
def _packed(stream: BinaryIO, wanted: bool) -> Iterator[BinaryIO]:
    """Compress what is written, without a name or a time inside."""
    if not wanted:
        yield stream
        return
    with gzip.GzipFile(fileobj=stream, mode="wb", filename="", mtime=0, compresslevel=6) as packed:
        yield cast(BinaryIO, packed)
