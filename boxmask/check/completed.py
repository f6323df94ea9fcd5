"""A file that `detect --complete` has made: the input byte for byte, and what was proposed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from boxmask.check.added import is_proposed
from boxmask.check.pairs import name_position
from boxmask.check.verdict import was_reviewed
from boxmask.data.annotated_file import AnnotatedFile, open_annotated
from boxmask.data.raw.document import open_document
from boxmask.data.raw.edits import appended, edited
from boxmask.data.raw.members import split_members
from boxmask.dataset import BoxDataset, IntArray
from boxmask.faults import Flags
from boxmask.proposed import ENDING

_SHOWN = 40  # bytes


class Completed(NamedTuple):
    """An output that completes a dataset."""

    output: AnnotatedFile  # with the sizes of images that its proposals know
    positions: Sequence[int]  # of what was proposed
    proposals: AnnotatedFile | None  # the same alone, in the file that lies beside
    difference: str
    """Where it is not the dataset's file with what was proposed behind its records; "" if it is."""

    def marked(self, dataset: BoxDataset, pairs: IntArray) -> Flags:
        """Tell which annotations of the dataset (N,) have since been annotated or judged."""
        records = self.output.records
        return np.array(
            [
                position >= 0 and _mark(dataset.records[row]) != _mark(records[position])
                for row, position in enumerate(pairs.tolist())
            ],
            np.bool_,
        )

    def is_reviewed(self) -> bool:
        """Tell whether a person has judged what was proposed."""
        found = (split_members(self.output.records[position]) for position in self.positions)
        return any(map(was_reviewed, found))

    def unlike_proposals(self) -> Iterator[tuple[str, str]]:
        """Yield (record, what is wrong) for what is not as the file of the proposals has it."""
        if self.proposals is None:
            return
        path, records = self.proposals.document.path, self.output.records
        alone = {id: self.proposals.records[k] for k, id in enumerate(self.proposals.ids)}
        for position in self.positions:
            record = alone.pop(self.output.ids[position], None)
            if record != records[position] and not was_reviewed(split_members(records[position])):
                what = f"is not in {path}" if record is None else f"is another in {path}"
                yield name_position(position, self.output.ids), what
        for id in alone:
            yield f"{path}, id {id!r}", "is missing from the output"


def find_completed(
    dataset: BoxDataset, output: AnnotatedFile, left_over: Sequence[int]
) -> Completed | None:
    """Return how an output completes a dataset, None if it was not made so.

    It was if there are proposals at `left_over`; or if nothing was added, and the file of the
    proposals lies beside.
    """
    positions = [k for k in left_over if is_proposed(split_members(output.records[k]))]
    path = output.document.path
    beside = path.with_name(path.name + ENDING)
    if dataset.format != "coco" or not (positions or beside.is_file()):
        return None
    difference = _difference(dataset, output, positions)
    if difference and not positions:
        return None
    proposals = open_annotated(beside, dataset) if beside.is_file() else None
    if proposals is not None:
        output = replace(output, sizes=proposals.sizes)
    return Completed(output, positions, proposals, difference)


def _mark(record: bytes) -> bytes:
    return bytes(split_members(record).get("boxmask", b""))


def _difference(dataset: BoxDataset, output: AnnotatedFile, positions: Sequence[int]) -> str:
    """Say where an output is not the dataset's file with some of its records behind the others."""
    document, source = open_document(dataset.path), output.document.source
    records = [output.records[position] for position in positions]
    mark, *pieces = edited(document, list(appended(document, "annotations", records)))
    if mark != source.mark:
        return f"the byte order mark was {mark!r} and is {source.mark!r}"
    at = 0  # behind the mark
    for piece in pieces:
        found = source.data[at : at + len(piece)]
        if found != piece:
            return _told(len(mark) + at, piece, bytes(found))
        at += len(piece)
    more = bytes(source.data[at : at + _SHOWN])
    return _told(len(mark) + at, b"", more) if more else ""


def _told(start: int, before: bytes, after: bytes) -> str:
    """Say from which byte on two pieces differ that begin at byte `start`, and how."""
    least = min(len(before), len(after))
    unlike = np.frombuffer(before[:least], np.uint8) != np.frombuffer(after[:least], np.uint8)
    at = int(unlike.argmax()) if unlike.any() else least
    was, now = (text[at : at + _SHOWN].decode("utf-8", "replace") for text in (before, after))
    return f"byte {start + at} was {was!r} and is {now!r}"
