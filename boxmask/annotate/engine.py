"""Runs the shards of a plan that have no part yet, one after the other in this process."""

from collections.abc import Callable

import numpy as np

from boxmask.annotate.events import Event, Report
from boxmask.annotate.network import Annotator
from boxmask.annotate.parts import Part, write_part
from boxmask.annotate.plan import Plan
from boxmask.annotate.scope import Scope
from boxmask.annotate.shard import run_shard
from boxmask.annotate.work import WorkFolder
from boxmask.data.strict import name_record
from boxmask.errors import InputError


def make_parts(
    scope: Scope, plan: Plan, work: WorkFolder, annotator: Callable[[], Annotator], report: Report
) -> int:
    """Write every part that is missing or damaged; return how many boxes had one already."""
    total = sum(shard.boxes for shard in plan.shards)
    missing = []
    reused = 0
    for k, shard in enumerate(plan.shards):
        part = work.finished_part(plan, k)
        if part is None:
            missing.append(k)
        else:
            reused += shard.boxes
            _obey_strict(scope, part)
    done = reused

    def progress(boxes: int) -> None:
        nonlocal done
        done += boxes
        report(Event("masks", done, total, again=reused))

    progress(0)
    ready = annotator() if missing else None
    for k in missing:
        if ready is not None:
            part = run_shard(scope, plan.shards[k], ready, progress)
            write_part(work.part(k), part, plan.key)
            _obey_strict(scope, part)
    return reused


def _obey_strict(scope: Scope, part: Part) -> None:
    """Under --strict, raise InputError for the first box of a part that has no mask."""
    skipped = np.flatnonzero(part.rows["reason"])
    if scope.job.strict and len(skipped):
        first = part.rows[skipped[0]]
        row, reason = int(first["row"]), part.reasons[first["reason"]]
        detail = part.fragment(int(skipped[0])).decode()
        image = scope.dataset.file_names[scope.dataset.image_index[row]]
        raise InputError(
            f"{name_record(scope.dataset, row)}: {reason}, image {image!r}: {detail}. "
            "Mend it, or run without --strict to have it skipped."
        )
