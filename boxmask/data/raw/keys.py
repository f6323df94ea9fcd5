"""Keys that an object has more than once: JSON parsers keep the last and say nothing."""

import re
from collections.abc import Iterable

_KEY = re.compile(rb'\s*[{,]\s*"((?:[^"\\]|\\.)*)"\s*:\s*', re.DOTALL)
_END = re.compile(rb"\s*\}\s*")


def first_repeated(text: memoryview, spans: Iterable[tuple[int, int]]) -> str | None:
    """Return the first key of an object that is there more than once, None if each is there once.

    `spans` are the start and the length of each value that counts, in the text. What lies between
    two of them is one key, or else values that do not count.
    """
    cursor = 0
    for start, length in sorted(spans):
        between = bytes(text[cursor:start])
        if not _KEY.fullmatch(between):
            key = _KEY.match(between)
            return "" if key is None else key[1].decode("utf-8", "replace")
        cursor = start + length
    return None if not cursor or _END.fullmatch(bytes(text[cursor:])) else ""
