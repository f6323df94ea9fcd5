"""The work folder: where everything lies until the output is finished."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from boxmask.annotate.parts import DamagedPart, Part, read_part
from boxmask.annotate.plan import Plan, Setting, load_plan, require_same_settings
from boxmask.durable import digest, sync_folder
from boxmask.errors import RunError

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class WorkFolder:
    """The folder beside an output, and the names in it."""

    out: Path

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.out.with_name(f"{self.out.name}.boxmask")

    @property
    def plan(self) -> Path:
        """The plan's file."""
        return self.path / "plan.json"

    @property
    def log(self) -> Path:
        """The log of skipped annotations, beside the output."""
        return self.out.with_name(f"{self.out.name}.skipped.jsonl")

    @property
    def staged_output(self) -> Path:
        """Where the output is written before it gets its name."""
        return self.path / "output.tmp"

    @property
    def staged_log(self) -> Path:
        """Where the log is written before it gets its name."""
        return self.path / "log.tmp"

    def part(self, shard: int) -> Path:
        """The part file of a shard."""
        return self.path / f"part-{shard:06d}"

    def parts(self, plan: Plan) -> Iterator[Part]:
        """Read every part of a plan, in order."""
        return (read_part(self.part(shard), plan.fingerprint) for shard in range(len(plan.shards)))

    def finished_part(self, plan: Plan, shard: int) -> Part | None:
        """Read the part of a shard; None if it is not there, or is not what was written."""
        try:
            return read_part(self.part(shard), plan.fingerprint)
        except (FileNotFoundError, DamagedPart):
            return None

    def has_no_results(self, plan: Plan) -> bool:
        """Tell whether nothing of a plan has been done yet."""
        return not plan.outputs and next(self.path.glob("part-*"), None) is None

    def remove_parts(self) -> None:
        """Remove all part files and what an interrupted write left."""
        for path in sorted(self.path.glob("part-*")) + sorted(self.path.glob("*.tmp")):
            path.unlink()
        sync_folder(self.path)


def resumable_plan(work: WorkFolder, settings: dict[str, Setting], *, fresh: bool) -> Plan | None:
    """Return the plan to go on with, None to make one; raise RunError if neither is meant."""
    plan = None if fresh else load_plan(work.plan)
    if plan is not None and plan.settings != settings and work.has_no_results(plan):
        plan = None  # say, the weights were damaged and are mended now
    if plan is not None:
        require_same_settings(plan, settings, work.path)
    ours = plan is not None and (plan.outputs or plan.may_replace)
    if not ours:
        refuse_foreign_output(work, fresh=fresh)
    return plan


def refuse_foreign_output(work: WorkFolder, *, fresh: bool) -> None:
    """Raise RunError if there is an output that this run would replace unasked."""
    if work.out.exists() and not fresh:
        raise RunError(
            f"{work.out} is there already, and not of this run. "
            "Give another --out, or --fresh to start anew and replace it."
        )


def output_is_current(work: WorkFolder, plan: Plan) -> bool:
    """Tell whether the output is there, byte for byte as this plan's run has written it."""
    return bool(plan.outputs) and all(
        path.is_file() and digest(path) == plan.outputs.get(path.name)
        for path in (work.out, work.log)
    )


@contextmanager
def hold_lock(folder: Path) -> Iterator[None]:
    """Hold a work folder, or refuse at once when another run holds it.

    The kernel drops the lock with its process, so that a killed run leaves nothing to clean up.
    """
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise RunError(
            f"{folder}: another run is at work here. Wait for it to end, or give another --out."
        ) from None
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def explain_disk_errors(out: Path) -> Iterator[None]:
    """Turn what the system refuses inside (a full disk, no permission) into a sentence that says
    how to go on."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        remedy = "make room" if error.errno in _DISK_FULL else "mend that"
        # Where a write fails, the system names no file: it is then one of the output's.
        raise RunError(
            f"{error.filename or out}: cannot be used, {why}. Finished shards are kept: "
            f"{remedy} and run the same command again, it goes on from there."
        ) from error
