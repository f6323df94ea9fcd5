"""The work folder: where everything lies until the output is finished."""

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from boxmask.annotate.parts import DamagedPart, Part, read_part
from boxmask.annotate.plan import Plan, Setting, load_plan, require_same_settings
from boxmask.durable import sync_folder
from boxmask.errors import RunError
from boxmask.mark import Status
from boxmask.ours import is_plain, is_there, known_digest

LOCK = "lock"
# Names in the work folder, but for that of the lock.
_OURS = re.compile(r"part-\d{6,}|output\.tmp|log\.tmp|\.boxmask-[0-9a-f]{16}\.tmp")


class Skip(NamedTuple):
    """Why an annotation was skipped, as the log says."""

    reason: str
    detail: str
    image: str  # its file name


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
        """The plan's file, beside the output: what a later run needs to know of a finished one."""
        return self.out.with_name(f"{self.out.name}.boxmask.json")

    @property
    def lock(self) -> Path:
        """The file whose lock a run holds."""
        return self.path / LOCK

    @property
    def log(self) -> Path:
        """The log of skipped annotations, beside the output."""
        return self.out.with_name(f"{self.out.name}.skipped.jsonl")

    @property
    def exported(self) -> Path:
        """The ledger of what exports have written, beside the output."""
        return self.out.with_name(f"{self.out.name}.boxmask.exports")

    @property
    def sent(self) -> Path:
        """The notes of what was put into a store, beside the output."""
        return self.out.with_name(f"{self.out.name}.boxmask.sent")

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

    def has_no_masks(self, plan: Plan) -> bool:
        """Tell whether no mask of a plan was made yet, though some were wanted."""
        if plan.tally is not None and plan.outputs:
            return not plan.tally.statuses[Status.OK] and plan.tally.skipped > 0
        parts = (self.finished_part(plan, shard) for shard in range(len(plan.shards)))
        return not any(part is not None and part.masks for part in parts)

    def read_log(self) -> Iterator[tuple[int, Skip]]:
        """Yield each row that the log of a finished output says was skipped."""
        if self.log.exists():
            with self.log.open("rb") as log:
                for line in log:
                    entry = json.loads(line)
                    image = entry["image"] or ""
                    skip = Skip(entry["reason"], entry.get("detail", ""), image)
                    yield entry["annotation"], skip

    def remove_parts(self, *, but: str = "") -> None:
        """Remove what an interrupted write left, and all parts but those of a plan, by its key."""
        for path in sorted(self.path.iterdir()):
            if _OURS.fullmatch(path.name) and not (but and _is_part(path, but)):
                path.unlink()
        sync_folder(self.path)

    def remove(self) -> None:
        """Remove the folder of a finished run."""
        self.remove_parts()
        self.lock.unlink(missing_ok=True)
        with suppress(OSError):  # the next run has begun, or somebody has put a file there
            self.path.rmdir()
        sync_folder(self.out.absolute().parent)


def _is_part(path: Path, key: str) -> bool:
    """Tell whether a file is a whole part of a plan."""
    try:
        read_part(path, key)
    except DamagedPart:
        return False
    return True


def resumable_plan(work: WorkFolder, settings: dict[str, Setting], *, fresh: bool) -> Plan | None:
    """Return the plan to go on with, None to make one; raise RunError if neither is meant."""
    plan = None if fresh else load_plan(work.plan)
    refuse_foreign_output(work, plan, fresh=fresh)
    if plan is not None and plan.settings != settings and work.has_no_masks(plan):
        return None  # say, the weights were damaged and are mended now, or --images was wrong
    if plan is not None:
        require_same_settings(plan, settings, work.out)
    return plan


def refuse_foreign_output(work: WorkFolder, plan: Plan | None, *, fresh: bool) -> None:
    """Raise RunError if there is an output or a log that this run would replace unasked."""
    for path in (work.out, work.log):
        if not is_there(path):
            continue
        if not is_plain(path):
            raise RunError(f"{path}: a link, or no file; remove it, or give another --out.")
        if fresh or (plan is not None and plan.knows(path.name, known_digest(path))):
            continue
        if plan is not None and path.name in plan.outputs:
            raise RunError(
                f"{path} has been changed since this run wrote it. Rename it to keep it, or give "
                "another --out, or --fresh to start again and replace it."
            )
        raise RunError(
            f"{path} is there already, and not of this run. "
            "Give another --out, or --fresh to start again and replace it."
        )


def present_digests(work: WorkFolder) -> dict[str, str]:
    """Return the digests of the output and the log that are there."""
    return {path.name: known_digest(path) for path in (work.out, work.log) if is_there(path)}


def output_is_current(work: WorkFolder, plan: Plan) -> bool:
    """Tell whether the output is there, byte for byte as this plan's run has written it."""
    files = ((work.out.with_name(name), content) for name, content in plan.outputs.items())
    return bool(plan.outputs) and all(
        path.is_file() and known_digest(path) == content for path, content in files
    )


@contextmanager
def hold_lock(folder: Path) -> Iterator[None]:
    """Hold a work folder, or refuse at once when another run holds it.

    The kernel drops the lock with its process, so that a killed run leaves nothing to clean up.
    """
    handle = None
    while handle is None:
        folder.mkdir(exist_ok=True)
        handle = _lock(folder)
    try:
        yield
    finally:
        os.close(handle)


def _lock(folder: Path) -> int | None:
    """Lock a work folder; None if another run has ended and removed it at this moment."""
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_named(handle, folder / LOCK):
            return handle
    except BlockingIOError:
        os.close(handle)
        raise RunError(
            f"{folder}: another run is at work here. Wait for it to end, or give another --out."
        ) from None
    os.close(handle)
    return None


def _is_named(handle: int, path: Path) -> bool:
    """Tell whether an open file still has its name."""
    return path.exists() and os.path.samestat(os.fstat(handle), path.stat())
