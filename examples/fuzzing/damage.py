"""Damage to files: values, spans and bytes, drawn at random."""

import json
import random
import re
import struct
from collections.abc import Callable

from boxmask.published.messages import BrokenMessageError
from boxmask.published.table import entries
from fuzzing.tables import table

Damage = Callable[[bytes, random.Random], bytes]

_JSON_VALUE = re.compile(rb'(?<=[:,\[])\s*(-?\d[\d.eE+-]*|"[^"\\]*"|null|true|false)')
_TEXT_VALUE = re.compile(rb"(?<![\w.])(-?[\w.]+)")
_DEEP = b"[" * 980 + b"]" * 980
JSON_TOKENS = (
    *(b"NaN", b"-Infinity", b"1e400", b"-1e308", b"1e308", b"9" * 401, b"1" * 5000, b"0", b"-1"),
    *(b'"\\ud800"', b'"\xff"', b'"a\x00b"', b"\xb6", b'""', b'"0"', b'"?"', b"null", b"true"),
    *(b"[]", b"{}", b"[[]]", b'{"counts":""}', b'{"size":[30,40],"counts":"\xff"}', _DEEP),
    *(b"[[0,0,99000,1,-99000,2]]", b"[1,2,3,4]", b"18446744073709551616", b"2147483648", b"1.5"),
    *(b'1,"id":7', b'2,"bbox_relative":"mine"', b'3,"image_id":1', b'4,"id":4', b'5,"own":NaN'),
    *(b'6,"segmentation":NaN', b'7,"area":1e400', b'8,"boxmask":{"status":"ok"}', b'9,"x":1,"x":2'),
    *(b'"\\n"', b'"../../0.png"', b'"\xe2\x80\xae.png"', b"1e-320", b"360", b"-0.0", b"1e5"),
)
TEXT_TOKENS = (
    *(b"nan", b"-inf", b"1e308", b"1e400", b"9" * 401, b"1" * 5000, b"", b"0", b"-1", b"1_0"),
    *(
        b"\xff",
        b"\x00",
        b"\xed\xa0\x80",
        b"\xe2\x80\xae",
        b"\xd9\xa1",
        b"\x1b[2J",
        b"0x10",
        b"1e-9",
    ),
    *(
        b"&#0;",
        b"&lt;",
        b"&x;",
        b"<",
        b"]]>",
        b"<!--",
        b"<x/>",
        b'"',
        b"'",
        b",",
        b";",
        b"\r",
        b"\n",
    ),
    *(b"../../0.png", b"/etc/passwd", b"*a", b"&a [1]", b"!!python/name:os.system", b"- ", b": "),
    *(b"\t", b" ", b"true", b"polygon", b"36893488147419103232", b"2147483648", b"1.5", b"100.5"),
)
_KINDS = ("F64", "F32", "F16", "BF16", "I64", "I32", "U8", "BOOL", "F8_E4M3", "C64", "")


def damage(data: bytes, chance: random.Random) -> bytes:
    """Damage JSON in a few places."""
    return _in_places(data, chance, _JSON_VALUE, JSON_TOKENS)


def damage_text(data: bytes, chance: random.Random) -> bytes:
    """Damage a text of any other form in a few places."""
    return _in_places(data, chance, _TEXT_VALUE, TEXT_TOKENS)


def damage_bytes(data: bytes, chance: random.Random) -> bytes:
    """Damage what is no text in a few places."""
    return _in_places(data, chance, re.compile(rb"(?!)()"), (b"",))


def _in_places(
    data: bytes, chance: random.Random, value: re.Pattern[bytes], tokens: tuple[bytes, ...]
) -> bytes:
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        kind = chance.randrange(7)
        start = chance.randrange(len(data) + 1)
        stop = min(len(data), start + chance.randrange(1, 40))
        values = list(value.finditer(data)) if kind < 4 else []
        if values:
            start, stop = chance.choice(values).span(1)
            data = data[:start] + chance.choice(tokens) + data[stop:]
        elif kind == 4:
            data = data[:start] + bytes([chance.randrange(256)]) + data[start + 1 :]
        elif kind == 5:
            data = data[:start] + data[stop:]
        else:
            data = data[:stop] + data[start:]
    return data


def damage_header(data: bytes, chance: random.Random) -> bytes:
    """Damage the header of a weights file, and mend its length, so that it is read at all."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    inner = header["__metadata__"]["boxmask"].encode()
    if chance.random() < 0.5:
        text = damage(inner, chance).decode("utf-8", "replace")
        header["__metadata__"]["boxmask"] = text
        written = json.dumps(header).encode()
    else:
        written = damage(json.dumps(header).encode(), chance)
    sized = chance.choice((len(written), len(written), len(written), 10**8, 0))
    return sized.to_bytes(8, "little") + written + data[8 + length :][: chance.choice((10**9, 99))]


def damage_tensors(data: bytes, chance: random.Random) -> bytes:
    """Damage the tensors of a weights file: their bytes, kinds, shapes, names and places."""
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), bytearray(data[8 + length :])
    names = [name for name in header if name != "__metadata__"]
    for _ in range(chance.choice((1, 1, 2, 5))):
        one, other = (header[chance.choice(names)] for _ in range(2))
        kind = chance.randrange(6)
        if kind < 2 and body:
            at = chance.randrange(len(body) // 4) * 4
            wild = (float("nan"), float("inf"), -float("inf"), 1e38, -1e38, 0.0, 1e-45)
            body[at : at + 4] = struct.pack("<f", chance.choice(wild)) * chance.choice((1, 9, 99))
        elif kind == 2:
            one["dtype"] = chance.choice(_KINDS)
        elif kind == 3:
            chance.shuffle(one["shape"])
        elif kind == 4:
            one["shape"] = chance.choice(([], [-1], [0], [2**62, 4], [1, *one["shape"]]))
        else:
            key = chance.choice(("data_offsets", "shape"))
            one[key], other[key] = other[key], one[key]
    written = json.dumps(header).encode()
    return len(written).to_bytes(8, "little") + written + bytes(body[: len(data) - 8 - length])


def damage_index(data: bytes, chance: random.Random) -> bytes:
    """Damage the index of a checkpoint: the whole, or an entry of it under right checksums."""
    try:
        pairs = list(entries(data))
    except (BrokenMessageError, IndexError):
        pairs = []
    if not pairs or chance.random() < 0.3:
        return damage_bytes(data, chance)
    for _ in range(chance.choice((1, 1, 2))):
        place = chance.randrange(len(pairs)) * chance.randrange(2)
        key, value = pairs[place]
        if chance.random() < 0.8:
            value = damage_bytes(value, chance)
        else:
            key = damage_bytes(key, chance)
        pairs[place] = key, value
    return table(pairs)
