"""Texts that Python's json writes and reads but strict JSON parsers refuse.

These are the bare words NaN, Infinity and -Infinity, and escapes of half a surrogate pair. Each is
replaced by as many harmless bytes, so that every offset stays true. The replacement is chosen to
pass when a parser skips it and to fail when it is asked for a number or a text: a record that has
one where it matters then takes the slow way, from its original bytes.
"""

import re

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|-?Infinity|NaN', re.DOTALL)
_HALF_PAIR = re.compile(
    rb"(?<!\\)((?:\\\\)*+)"
    rb"(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_NOT_UTF8 = b"\xff"


def repaired(text: bytes | memoryview) -> bytearray:
    """Return a copy of the text, of equal length, that a strict parser can split."""
    copy = bytearray(text)
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        if copy[start] != ord('"'):
            copy[start:end] = b'"' + b"?" * (end - start - 2) + b'"'
        elif copy.find(b"\\u", start, end) >= 0:
            copy[start:end] = _HALF_PAIR.sub(_blank, token[0])
    return copy


def _blank(match: re.Match[bytes]) -> bytes:
    if match[2] is not None:
        return match[0]
    return match[1] + _NOT_UTF8 * (len(match[0]) - len(match[1]))
