"""CVAT's XML for images with masks: `<mask>` or `<polygon>` in the place of each `<box>`.

What the box had, its label, its flags and its attributes, the new element has. The polygons of an
object in several parts have one `group_id`.
"""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from boxmask.data.cvat import SHAPES
from boxmask.data.raw.document import MappedFile
from boxmask.data.sources.elements import elements
from boxmask.data.sources.masks import runs_of_bits
from boxmask.errors import RunError
from boxmask.export import Exported, Finished
from boxmask.export.back import Edit, NewMask, NewMasks, spliced
from boxmask.export.files import replace_text

_VALUE = rb"""\s*=\s*(?:"[^"]*"|'[^']*')"""
_OPENING = re.compile(rb"""<[\w:.-]+((?:[^>"'/]|"[^"]*"|'[^']*')*)(/?)>""")
_PLACED = re.compile(rb"\s+(?:xtl|ytl|xbr|ybr|rotation|points|rle|left|top|width|height)" + _VALUE)
_GROUP = re.compile(rb"""\s+group_id\s*=\s*["'](\d{1,18})["']""")


def names(finished: Finished) -> list[str]:
    """Return nothing: the place is the one file."""
    return []


def write(finished: Finished, place: Path) -> Exported:
    """Write the file."""
    data, masks = MappedFile(finished.dataset.path).data, NewMasks(finished)
    with replace_text(finished.ledger, place) as text:
        for piece in spliced(data, _edits(bytes(data), masks, str(finished.dataset.path))):
            text.write(piece)
    return Exported(1, masks.notes())


def _edits(data: bytes, masks: NewMasks, name: str) -> Iterator[Edit]:
    groups = count(1 + max(map(int, _GROUP.findall(data)), default=0))
    for image, photo in enumerate(elements(data, "image", name)):
        for shape, mask in masks.of_image(image, photo.all(*SHAPES)):
            masks.counts["expected IoUs, which the format has no place for"] += 1
            parts = _polygons(masks.polygons(mask)) if masks.as_polygons else [_painted(mask)]
            text = data[shape.start : shape.end]
            yield Edit(shape.start, shape.end, _drawn(text, parts, groups))


def _drawn(text: bytes, parts: list[tuple[bytes, bytes]], groups: Iterator[int]) -> bytes:
    """Write an element once more for each part, a tag and where it is."""
    opening = _OPENING.match(text)
    if opening is None:
        raise RunError(f"no element begins with {text[:80]!r}.")
    given, inner = _PLACED.sub(b"", opening[1]).rstrip(), b""
    if not opening[2]:
        inner = text[opening.end() : text.rindex(b"</")]
    if len(parts) > 1 and (_GROUP.search(given) or [b"", b"0"])[1].strip(b"0") == b"":
        given = _GROUP.sub(b"", given) + b' group_id="%d"' % next(groups)
    return b"\n".join(b"<%b%b%b>%b</%b>" % (tag, given, at, inner, tag) for tag, at in parts)


def _painted(mask: NewMask) -> tuple[bytes, bytes]:
    """Return a mask that runs row by row in its box."""
    window = mask.window
    width, height = window.bits.shape
    rle = ", ".join(map(str, runs_of_bits(window.bits.T)))
    place = f'left="{window.x}" top="{window.y}" width="{width}" height="{height}"'
    return b"mask", f' rle="{rle}" {place}'.encode()


def _polygons(polygons: list[list[float]]) -> list[tuple[bytes, bytes]]:
    """Return polygons of points x,y;x,y;..."""
    return [(b"polygon", b' points="%b"' % _points(ring).encode()) for ring in polygons]


def _points(ring: list[float]) -> str:
    return ";".join(f"{x:.2f},{y:.2f}" for x, y in zip(ring[0::2], ring[1::2], strict=True))
