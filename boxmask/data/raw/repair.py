"""Texts that Python's json writes and reads but strict JSON parsers refuse.

These are the bare words NaN, Infinity and -Infinity, and escapes of half a surrogate pair. Each is
replaced by as many harmless bytes, so that every offset stays true. The replacement is chosen to
pass when a parser skips it and to fail when it is asked for a number or a text: a record that has
one where it matters then takes the slow way, from its original bytes.
"""

import re

# A first letter makes the search fast; what has a colon after it would be a key, and is none.
_WORD = re.compile(rb"[NI](?:(?<=N)aN|(?<=I)nfinity)(?!\s*:)")
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_HALF_PAIR = re.compile(
    rb"(?<!\\)((?:\\\\)*+)"
    rb"(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_NOT_UTF8 = b"\xff"


def strict_copy(text: bytes | memoryview) -> bytearray:
    """Return a copy of the text, of equal length, that a strict parser can split."""
    copy = bytearray(text)
    in_string = False
    checked = 0
    for word in _WORD.finditer(text):
        start, end = word.span()
        in_string ^= _quotes(copy, checked, start) % 2 == 1
        checked = end
        if not in_string:
            start -= copy[start - 1 : start] == b"-"
            copy[start:end] = b'"' + _NOT_UTF8 * (end - start - 2) + b'"'
    # The search for half pairs looks at every byte: only where there can be one.
    if b"\\ud" in copy or b"\\uD" in copy:
        for half in _HALF_PAIR.finditer(text):
            copy[half.start() : half.end()] = _blank(half)
    return copy


def is_word(value: bytes) -> bool:
    """Tell whether a value of a strict copy stands for NaN or an infinity."""
    return value.startswith(b'"' + _NOT_UTF8) and not value.strip(b'"' + _NOT_UTF8)


def _quotes(text: bytearray, start: int, end: int) -> int:
    """Count the quotes that begin or end a string."""
    if text.find(b"\\", start, end) < 0:
        return text.count(b'"', start, end)
    return _ESCAPE.sub(b"", text[start:end]).count(b'"')


def _blank(match: re.Match[bytes]) -> bytes:
    if match[2] is not None:
        return match[0]
    return match[1] + _NOT_UTF8 * (len(match[0]) - len(match[1]))
