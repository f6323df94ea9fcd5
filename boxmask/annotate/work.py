"""The work folder: where everything lies until the output is finished."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from boxmask.annotate.parts import DamagedPart, Part, read_part
from boxmask.annotate.plan import Plan, Setting, load, require_same
from boxmask.durable import digest, sync_folder
from boxmask.errors import RunError


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
        return (read_part(self.part(shard), plan.key) for shard in range(len(plan.shards)))

    def finished_part(self, plan: Plan, shard: int) -> Part | None:
        """Read the part of a shard; None if it is not there, or is not what was written."""
        try:
            return read_part(self.part(shard), plan.key)
        except (FileNotFoundError, DamagedPart):
            return None

    def is_bare(self, plan: Plan) -> bool:
        """Tell whether nothing of a plan has been done yet."""
        return not plan.outputs and next(self.path.glob("part-*"), None) is None

    def remove_parts(self) -> None:
        """Remove all part files and what an interrupted write left."""
        for path in sorted(self.path.glob("part-*")) + sorted(self.path.glob("*.tmp")):
            path.unlink()
        sync_folder(self.path)


def plan_begun(work: WorkFolder, settings: dict[str, Setting], *, fresh: bool) -> Plan | None:
    """Return the plan to go on with, None to make one; refuse what the user did not mean."""
    plan = None if fresh else load(work.plan)
    if plan is not None and plan.settings != settings and work.is_bare(plan):
        plan = None  # say, the weights were damaged and are mended now
    if plan is not None:
        require_same(plan, settings, work.path)
    ours = plan is not None and (plan.outputs or plan.may_replace)
    if not ours:
        refuse_output(work, fresh=fresh)
    return plan


def refuse_output(work: WorkFolder, *, fresh: bool) -> None:
    """Raise RunError if there is an output that this run would replace unasked."""
    if work.out.exists() and not fresh:
        raise RunError(
            f"{work.out} is there already, and not of this run. "
            "Give another --out, or --fresh to start anew and replace it."
        )


def is_written(work: WorkFolder, plan: Plan) -> bool:
    """Tell whether the output is there, byte for byte as this plan's run has written it."""
    return bool(plan.outputs) and all(
        path.is_file() and digest(path) == plan.outputs.get(path.name)
        for path in (work.out, work.log)
    )
