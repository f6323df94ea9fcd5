"""The plan of a run: what it was begun with, and the shards that it consists of."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.annotate.events import Tally
from boxmask.durable import replace_file
from boxmask.errors import RunError
from boxmask.unreadable import UNREADABLE

Setting = str | int | float | bool | None
DIGEST_PREFIX = "sha256 "  # how the setting of a file begins


@dataclass(frozen=True)
class Shard:
    """A run of consecutive images, [first, stop), and how many of their boxes want a mask."""

    first: int
    stop: int
    boxes: int


@dataclass(frozen=True)
class ExportReport:
    """An export that was written, and what it holds."""

    output: str  # SHA-256 of what it was made from
    options: dict[str, Setting]
    files: int
    notes: dict[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """All that decides the bytes of the output, and how far the run has come with writing it."""

    settings: dict[str, Setting]
    shards: tuple[Shard, ...]
    former: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each file that was there before and may be replaced: the user said --fresh, or an
    earlier run of ours had written it."""
    outputs: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each file of the finished output, noted before it appears under its name."""
    tally: Tally | None = None
    threads: int = 0
    """Of the network on a CPU: sums round differently with another number, so a run keeps it."""
    images: str = ""
    """Digest of the name of the image folder: masks that were made from another one stay."""
    exported: dict[str, str] = field(default_factory=dict)
    """Place of each export that was begun: what lies there is ours."""
    export_reports: dict[str, ExportReport] = field(default_factory=dict)
    """What was said of each export that is complete."""
    checksum: str = ""
    """SHA-256 of all else, in a saved plan."""

    def knows(self, name: str, found: str) -> bool:
        """Tell whether a file beside the output is, by its digest, one that may be replaced."""
        return found != "" and found in (self.outputs.get(name), self.former.get(name))

    @property
    def fingerprint(self) -> str:
        """The name of this plan in its part files."""
        return hashlib.sha256(msgspec.json.encode([self.settings, self.shards])).hexdigest()

    def summed(self) -> "Plan":
        """Return the plan with its checksum."""
        # As it is read back: a whole number may then be another kind of number.
        written = msgspec.json.encode(replace(self, checksum=""))
        bare = msgspec.json.decode(written, type=Plan)
        return replace(bare, checksum=hashlib.sha256(msgspec.json.encode(bare)).hexdigest())


def cut_shards(counts: npt.NDArray[np.int64], *, size: int) -> tuple[Shard, ...]:
    """Cut images with `counts` (I,) boxes each into shards of `size` boxes or a little more."""
    total = np.concatenate([[0], counts.cumsum()])
    shards: list[Shard] = []
    first = 0
    while total[first] < total[-1]:
        stop = min(int(total.searchsorted(total[first] + size)), len(counts))
        shards.append(Shard(first, stop, int(total[stop] - total[first])))
        first = stop
    return tuple(shards)


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan, in place of the one before."""
    with replace_file(path) as stream:
        encoded = msgspec.json.encode(plan.summed())
        stream.write(msgspec.json.format(encoded, indent=1) + b"\n")


def load_plan(path: Path) -> Plan | None:
    """Read a plan; None if there is none."""
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=Plan)
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        raise damaged(path, str(error)) from error
    if plan.checksum and plan != plan.summed():
        raise damaged(path, "its checksum is another")
    return replace(plan, checksum="")


def damaged(path: Path, why: str) -> RunError:
    """Return the error for a plan that is not as it was written."""
    return RunError(
        f"{path}: not as a run has written it ({why}). Put back what was there; or remove it and "
        "run the same command again, which keeps the shards that are finished."
    )


def require_same_settings(plan: Plan, settings: Mapping[str, Setting], out: Path) -> None:
    """Raise RunError naming every setting that is not the one that the work was begun with."""
    names = [*plan.settings, *(name for name in settings if name not in plan.settings)]
    changes = [
        f"  {name}: was {_shown(plan.settings.get(name))}, now {_shown(settings.get(name))}"
        for name in names
        if plan.settings.get(name) != settings.get(name)
    ]
    if changes:
        raise RunError(
            f"{out}: its run was begun with other settings.\n" + "\n".join(changes) + "\n"
            "Give the former settings to go on with it, or --fresh to start again."
        )


def _shown(value: Setting) -> str:
    if isinstance(value, str) and value.startswith(DIGEST_PREFIX):
        return value[: len(DIGEST_PREFIX) + 12]
    return "not given" if value is None else msgspec.json.encode(value).decode()
