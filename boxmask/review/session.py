"""A review that is going on: the instances of a file, what was judged, and the log of it.

Safe to call from many threads. Every method that changes something has it on the disk before it
returns.
"""

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from boxmask.errors import BoxmaskError, InputError
from boxmask.review.columns import VerdictColumns
from boxmask.review.describe import Json, describe, describe_drawn
from boxmask.review.instances import FARTHEST, Box, Instances
from boxmask.review.judgements import Drawn, Judgement, Judgements
from boxmask.review.masks import checked_rle, rle_hash
from boxmask.review.undoing import Undoing
from boxmask.review.verdicts import Entry, Row, VerdictLog

LONGEST_NAME = 200  # letters of a category


class Missing(BoxmaskError):
    """Something that a page asks for and that is not there."""


class Changed(BoxmaskError):
    """The mask that a page judges is not the one that it has seen."""

    def __init__(self, instance: Json) -> None:
        super().__init__("the mask has changed since it was shown; look at it again.")
        self.instance = instance


class Session:
    """Knows what stands, and takes verdicts."""

    def __init__(self, instances: Instances, log: VerdictLog) -> None:
        self.instances = instances
        self.log = log
        self.lock = threading.RLock()
        self.entries: list[Entry] = list(log.read.entries)
        self.seq_at_start = self.seq
        self.columns = VerdictColumns(len(instances))
        self._judgements = Judgements.of(self.entries, instances)
        self._undoing = Undoing(self.entries)
        for row, judgement in self._judgements.by_row.items():
            self.columns.set(row, judgement)

    @property
    def seq(self) -> int:
        """The number of the latest entry."""
        return self.entries[-1].seq if self.entries else 0

    @property
    def stale(self) -> int:
        """How many verdicts are of masks that have changed since."""
        return self._judgements.stale

    @property
    def by_row(self) -> Mapping[int, Judgement]:
        """What was said of the annotations of the file."""
        return self._judgements.by_row

    @property
    def drawn(self) -> list[Drawn]:
        """The annotations that were drawn, in order."""
        with self.lock:
            return list(self._judgements.drawn.values())

    def counts(self) -> dict[str, int]:
        """Count the verdicts that stand, also those on drawn annotations."""
        found = self.columns.counts()
        for drawn in self.drawn:
            if drawn.judgement.verdict in found:
                found[drawn.judgement.verdict] += 1
        return found

    def counted(self) -> Json:
        """Return what every answer to a deed says of all that stands."""
        judged = sum(self.columns.counts().values())
        return {"verdicts": self.counts(), "judged": judged, "drawn": len(self.drawn)}

    def describe(self, row: Row) -> Json | None:
        """Describe an instance as it stands; None if it was drawn and that was undone."""
        if isinstance(row, str):
            drawn = self._judgements.drawn.get(row)
            if drawn is None:
                return None
            return describe_drawn(self.instances, drawn, self.image_of(drawn.image))
        self.check_row(row)
        return describe(self.instances, row, self._judgements.by_row.get(row))

    def judge(self, row: Row, verdict: str | None, hash: str | None, client: str) -> Json:
        """Take a verdict on the mask of that hash; None takes back what was said."""
        with self.lock:
            self._check_seen(row, hash)
            return self._append(row, mask=hash, client=client, verdict=verdict or "none")

    def correct(
        self, row: Row, hash: str | None, client: str, *, rle: object, box: Box, by: Sequence[str]
    ) -> Json:
        """Take another mask, and its box, in place of the mask of that hash."""
        with self.lock:
            self._check_seen(row, hash)
            width, height = self._size(self._image(row))
            mask = checked_rle(rle, width=width, height=height)
            box = _checked_box(box)
            return self._append(
                row,
                mask=hash,
                client=client,
                verdict="corrected",
                rle=mask,
                box=box,
                by=tuple(by),
            )

    def draw(self, image: int, client: str, *, rle: object, box: Box, category: str) -> Json:
        """Take a new annotation."""
        self.check_image(image)
        name = category.strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise InputError(f"the class is {category[:LONGEST_NAME]!r}; give it a name.")
        width, height = self._size(image)
        mask = checked_rle(rle, width=width, height=height)
        box = _checked_box(box)
        with self.lock:
            return self._take(
                row=f"new-{self.log.next_seq}",
                id=None,
                image=self.instances.dataset.file_names[image],
                mask=None,
                client=client,
                verdict="drawn",
                rle=mask,
                box=box,
                category=name,
            )

    def undo(self, client: str) -> Json:
        """Undo the latest of a client's entries that stands."""
        with self.lock:
            return self._undo(self._undoing.to_undo(client), client)

    def redo(self, client: str) -> Json:
        """Undo the latest undoing of a client, unless it has done something since."""
        with self.lock:
            return self._undo(self._undoing.to_redo(client), client)

    def check_image(self, image: int) -> None:
        """Raise Missing where there is no such image."""
        count = len(self.instances.dataset.image_ids)
        if not 0 <= image < count:
            raise Missing(f"there is no image {image}; there are {count}.")

    def image_of(self, name: str) -> int:
        """Return the place of the image of a file name, -1 if there is none."""
        return self._image_places.get(name, -1)

    @cached_property
    def _image_places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.instances.dataset.file_names)}

    def _undo(self, target: Entry | None, client: str) -> Json:
        if target is None:
            return {"seq": self.seq, "undone": None, "instance": None, **self.counted()}
        own = {"row": target.row, "id": target.id, "image": target.image, "mask": target.mask}
        undone = {"seq": target.seq, "row": target.row, "verdict": target.verdict}
        return self._take(client=client, verdict="undo", undoes=target.seq, **own) | {
            "undone": undone
        }

    def check_row(self, row: int) -> None:
        """Raise Missing where there is no such annotation."""
        if not 0 <= row < len(self.instances):
            raise Missing(f"there is no annotation {row}; there are {len(self.instances)}.")

    def _check_seen(self, row: Row, hash: str | None) -> None:
        """Raise Changed if the mask of an instance that stands has another hash."""
        if self._hash(row) != hash:
            instance = self.describe(row)
            assert instance is not None  # it has a hash
            raise Changed(instance)

    def _hash(self, row: Row) -> str | None:
        """Name the mask of an instance as it stands; Missing if there is no such instance."""
        if isinstance(row, str):
            drawn = self._judgements.drawn.get(row)
            if drawn is None:
                raise Missing(f"there is no annotation {row}, or drawing it was undone.")
            return rle_hash(drawn.standing_rle)
        self.check_row(row)
        judgement = self._judgements.by_row.get(row)
        if judgement is not None and judgement.correction is not None:
            return rle_hash(judgement.correction.rle)
        return self.instances.hash(row)

    def _image(self, row: Row) -> int:
        if isinstance(row, str):
            return self.image_of(self._judgements.drawn[row].image)
        return int(self.instances.dataset.image_index[row])

    def _size(self, image: int) -> tuple[int, int]:
        width, height = self.instances.size(image) if image >= 0 else (0, 0)
        if not (width and height):
            raise InputError("the image cannot be opened, so nothing can be drawn on it.")
        return width, height

    def _append(self, row: Row, **values: Any) -> Json:
        """Write an entry on an instance that there is."""
        image = self._image(row)
        name = self.instances.dataset.file_names[image] if image >= 0 else None
        id = None if isinstance(row, str) else self.instances.dataset.annotation_ids[row]
        return self._take(row=row, id=id, image=name, **values)

    def _take(self, **values: Any) -> Json:
        """Write an entry, let it count, and say what stands now."""
        entry = self.log.append(**values)
        self.entries.append(entry)
        self._judgements.add(entry)
        self._undoing.add(entry)
        row, gone = entry.row, False
        if isinstance(row, int):
            gone = row >= len(self.instances)  # undone in a file that is shorter now
            if not gone:
                self.columns.set(row, self._judgements.by_row.get(row), entry.seq)
        instance = None if gone or row is None else self.describe(row)
        return {"seq": entry.seq, "instance": instance, **self.counted()}


def _checked_box(box: Box) -> Box:
    if not all(abs(side) < FARTHEST for side in box) or min(box[2:]) <= 0:
        raise InputError(f"the box is {list(box)}; it needs a width and a height.")
    return box
