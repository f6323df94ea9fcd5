"""Label Studio's brush masks: runs of the RGBA values of all pixels, row by row, packed in bits.

A header says how many values there are (32 bits), how many bits a value has (5, less 1), and four
widths of lengths (4 each, less 1). A run is a bit, 1 if all its values are the same, the place of
the width of its length (2), its length less 1, and its one value or all of its values.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from boxmask.data.sources.masks import Bits, Size, runs_of_bits
from boxmask.rle import MOST_PIXELS

Bytes = npt.NDArray[np.uint8]

_WORD = 8
_WIDTHS = (3, 4, 8, 16)
_HEADER = "{:032b}" + f"{_WORD - 1:05b}" + "".join(f"{width - 1:04b}" for width in _WIDTHS)
_HEADER_BITS = 32 + 5 + 4 * len(_WIDTHS)
_LONGEST = 1 << _WIDTHS[-1]  # values of a run
_CHANNELS = 4
_COVERED = 128  # alpha from which a pixel counts as painted


def brush(bits: Bits) -> list[int]:
    """Write the mask (H, W) of a whole image as bytes, each a number as JSON has them."""
    packed = [_HEADER.format(_CHANNELS * bits.size)]
    for place, pixels in enumerate(runs_of_bits(bits)):
        packed += _packed(_CHANNELS * pixels, 255 * (place % 2))
    text = "".join(packed)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


def bits_of_brush(data: object, size: Size) -> Bits | None:
    """Read the mask of an image (width, height) as (H, W); None if it is none of such an image."""
    width, height = size
    if not isinstance(data, list) or not 0 < width * height <= MOST_PIXELS:
        return None
    try:
        values = _unpacked(np.array(data, np.uint8), _CHANNELS * width * height)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return None if values is None else values[3::4].reshape(height, width) >= _COVERED


def _packed(length: int, value: int) -> Iterator[str]:
    """Yield the bits of a run, in several if it is longer than one may be."""
    while length > 0:
        here = min(length, _LONGEST)
        place = next(k for k, width in enumerate(_WIDTHS) if here <= 1 << width)
        yield f"1{place:02b}{here - 1:0{_WIDTHS[place]}b}{value:08b}"
        length -= here


def _unpacked(data: Bytes, expected: int) -> Bytes | None:
    """Return the values of all runs, None if they are not as many as expected."""
    bits = np.unpackbits(data)
    text = (bits + ord("0")).tobytes()
    if len(text) < _HEADER_BITS or int(text[:32], 2) != expected:
        return None
    word = int(text[32:37], 2) + 1
    widths = [int(text[at : at + 4], 2) + 1 for at in range(37, _HEADER_BITS, 4)]
    values, done, at = np.zeros(expected, np.uint8), 0, _HEADER_BITS
    while done < expected:
        same, width = text[at] == ord("1"), widths[int(text[at + 1 : at + 3], 2)]
        at += 3 + width
        length = int(text[at - width : at], 2) + 1
        end = at + word * (1 if same else length)
        # Of values with more bits the first eight count.
        words = np.packbits(bits[at:end].reshape(-1, word)[:, :8], axis=1)
        values[done : done + length] = words[: expected - done, 0]
        done, at = done + length, end
    return values
