"""The files that a run learns from and is measured on, by their bytes: data.json of its folder."""

from collections.abc import Sequence

import msgspec

from boxmask.durable import digest
from boxmask.train.collection import Source


class File(msgspec.Struct, frozen=True):
    """An annotation file and which of its classes are seen; its folder may move."""

    name: str
    sha256: str
    seen: tuple[str, ...]


class Inputs(msgspec.Struct, frozen=True):
    """All annotation files of a run, in their order."""

    learnt: tuple[File, ...]
    measured: tuple[File, ...] = ()

    def changes(self, now: "Inputs") -> list[str]:
        """Say what is no longer as it was."""
        return [
            *_changes("annotation files", self.learnt, now.learnt),
            *_changes("validation files", self.measured, now.measured),
        ]


def files(sources: Sequence[Source]) -> tuple[File, ...]:
    """Describe annotation files."""
    return tuple(
        File(
            source.dataset.path.name,
            digest(source.dataset.path),
            tuple(
                category.name
                for category, seen in zip(source.dataset.categories, source.seen, strict=True)
                if seen
            ),
        )
        for source in sources
    )


def _changes(what: str, before: Sequence[File], now: Sequence[File]) -> list[str]:
    if len(before) != len(now):
        return [f"there were {len(before)} {what}, now there are {len(now)}"]
    said = []
    for old, new in zip(before, now, strict=True):
        if old.sha256 != new.sha256:
            renamed = f", now {new.name}," if new.name != old.name else ""
            said.append(f"{old.name}{renamed} holds other bytes than before")
        elif old.seen != new.seen:
            said.append(f"other classes of {old.name} are seen than before")
    return said
