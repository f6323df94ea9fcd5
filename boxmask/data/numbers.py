"""Numbers and ids out of JSON: the only place where they become ours. Nothing overflows here.

JSON bounds no number; Python bounds the digits of whole ones, and floats have an end. What is
beyond that is no number that a box, a size or an id could be.
"""

import math

from boxmask.dataset import Id

LARGEST_SIDE = 2**31 - 1
_MOST_DIGITS = 4000  # Python refuses to read a few more


def as_number(value: object) -> float | None:
    """Return a decoded number; None for anything else, also for what is not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def as_side(value: object) -> int:
    """Return a decoded width or height; 0 for anything that is not a possible one."""
    number = as_number(value)
    possible = number is not None and 0 < number <= LARGEST_SIDE and number == int(number)
    return int(number) if possible and number is not None else 0


def as_id(value: object) -> Id:
    """Return a decoded value as an id: text or number; None for anything else.

    NaN and infinities are none: they are not even equal to themselves, or stand for many numbers.
    """
    if isinstance(value, bool) or not isinstance(value, int | str | float):
        return None
    return value if not isinstance(value, float) or math.isfinite(value) else None


def whole_number(text: str) -> int | float:
    """Read a whole number as JSON writes it; one of thousands of digits is infinite."""
    if len(text) <= _MOST_DIGITS:
        return int(text)
    return -math.inf if text.startswith("-") else math.inf
