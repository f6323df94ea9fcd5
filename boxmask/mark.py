"""The mark: what `annotate` and a review say of an annotation, under the key "boxmask"."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Raw, UnsetType

from boxmask.unreadable import UNREADABLE


class Status(StrEnum):
    """What became of an annotation."""

    OK = "ok"  # a mask was made
    KEPT = "kept"  # it had a mask, which stays
    CROWD = "crowd"  # left alone
    SKIPPED = "skipped"  # it cannot be used; the mark says why
    LEFT = "left"  # left alone, since it is not in the part that was to be annotated
    REJECTED = "rejected"  # a person took its mask away
    CORRECTED = "corrected"  # a person put another mask in its place
    DRAWN = "drawn"  # a person added it, the input does not have it

    @property
    def code(self) -> int:
        """A number for it, for arrays: its place among all."""
        return list(Status).index(self)


# What a person said of a mask that stays: the values of Mark.review.
ACCEPTED = "accepted"
TO_FIX = "to fix"


class Mark(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The mark of an annotation that has a new mask, was skipped or was judged.

    Defaults are not written.

    Boxes are x, y, width, height in pixels, as JSON: numbers stay as they were written.
    """

    status: str = ""  # a Status in what we write, any text in what we read
    reason: str = ""  # why it was skipped
    predicted_iou: float | None = None  # the IoU to expect of the mask
    outline_iou: float | UnsetType = UNSET
    """The IoU of what its polygons draw with the mask, where they have a tolerance."""
    box: Raw | UnsetType = UNSET  # the tight box of the mask
    tightness: Annotated[float, msgspec.Meta(ge=0, le=0.5)] | UnsetType = UNSET
    """How loose the network was told that the box is: above 0 the mask may leave it."""
    bbox: str = ""  # how the numbers of the annotation's box were read, if not as x, y, w, h
    given_box: Raw | UnsetType = UNSET
    """The annotation's own box, where the tight box of a mask has taken its place."""
    turned_box: Raw | UnsetType = UNSET
    """The corners x, y, x, y, ... of the annotation's box, where it is turned."""
    review: str = ""  # what a person said of the mask, if it stays: ACCEPTED or TO_FIX


class _Numbers(msgspec.Struct):
    given_box: Annotated[list[float], msgspec.Meta(min_length=4, max_length=8)]  # if it is turned


class _AsWritten(msgspec.Struct):
    given_box: Raw


_MARK = msgspec.json.Decoder(Mark)
_NUMBERS, _AS_WRITTEN = msgspec.json.Decoder(_Numbers), msgspec.json.Decoder(_AsWritten)


def read_mark(raw: bytes) -> Mark | None:
    """Read a mark; None for anything else."""
    try:
        return _MARK.decode(raw)
    except UNREADABLE:
        return None


def kept_box(raw: bytes) -> Raw | UnsetType:
    """Return the given box of a mark; UNSET if it is not a mark, or keeps no box of numbers.

    Whatever else is wrong with the mark does not matter: a user's own box is not lost.
    """
    try:
        _NUMBERS.decode(raw)
        return _AS_WRITTEN.decode(raw).given_box
    except UNREADABLE:
        return UNSET
