"""The values of one record as JSON, and when two of them are the same."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from boxmask.data.forms.complete import ASKED
from boxmask.mark import Status
from boxmask.unreadable import UNREADABLE

OUR_KEYS = ("segmentation", "area", "boxmask")  # the keys that a run may change or add

Values = Mapping[str, msgspec.Raw]

_PREVIEW_LENGTH = 60
_NUMBER = msgspec.json.Decoder(float)


def encode_values(record: Mapping[str, object]) -> Values:
    """Write values as JSON; those that are raw stay as they are."""
    return {
        key: value if type(value) is msgspec.Raw else msgspec.Raw(msgspec.json.encode(value))
        for key, value in record.items()
    }


def same_value(ours: msgspec.Raw | bytes | None, theirs: msgspec.Raw | bytes | None) -> bool:
    """Compare two values: how numbers are written counts, how texts and spaces are does not."""
    if ours == theirs:
        return True
    if ours is None or theirs is None:
        return False
    try:
        return decode_verbatim(ours) == decode_verbatim(theirs)
    except (ValueError, RecursionError):  # no JSON, or lists in lists without end
        return False


def differences(
    ours: Values, theirs: Values, *, given_box: msgspec.Raw | None = None
) -> Iterator[str]:
    """Yield what differs in the keys that a run must not touch.

    `given_box` is where the input's bbox went if the tight box of the mask has taken its place.
    """
    if given_box is not None:
        theirs = {**theirs, "bbox": given_box}
    for key, value in ours.items():
        if key in OUR_KEYS:
            continue
        if key not in theirs:
            yield f'"{key}" is missing from the output'
        elif not same_value(value, theirs[key]):
            yield f'"{key}" was {preview(value)} and is {preview(theirs[key])}'
    for key in theirs:
        added = key not in ours and key not in OUR_KEYS
        if added and not (key in ASKED and same_value(ASKED[key], theirs[key])):
            yield f'"{key}" was added'


def without_drawn(items: list[Any]) -> list[Any]:
    """Return a list of records without those at its end that a person has added."""
    kept = len(items)
    while kept and _is_drawn_value(items[kept - 1]):
        kept -= 1
    return items[:kept]


def _is_drawn_value(value: object) -> bool:
    mark = value.get("boxmask") if isinstance(value, dict) else None
    return isinstance(mark, dict) and mark.get("status") == Status.DRAWN


def preview(value: msgspec.Raw | bytes) -> str:
    """Return a value as text, cut to a readable length."""
    text = bytes(value).decode("utf-8", "replace")
    return text if len(text) <= _PREVIEW_LENGTH else f"{text[:_PREVIEW_LENGTH]}..."


def number_of(value: msgspec.Raw) -> float:
    """Return a number, NaN for what is none."""
    try:
        return _NUMBER.decode(value)
    except UNREADABLE:
        return math.nan


def decode_verbatim(value: msgspec.Raw | bytes) -> object:
    """Decode a value with its numbers as they are written, so that 1.0 and 1 differ."""
    text = bytes(value).decode("utf-8", "surrogateescape")
    return json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_number)


def _number(token: str) -> tuple[str]:
    return (token,)
