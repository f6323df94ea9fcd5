"""Masks drawn over their image, and images laid out as a contact sheet.

Letters: H W image, N instances. A box is (x0, y0, x1, y1), pixels in the COCO convention.
"""

import colorsys
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from boxmask.window import Window

Pixels = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

_TINT = 0.45  # how much of the colour covers the picture inside a mask
_CAPTION = 12  # height of the letters of a caption, pixels
_MOST_LETTERS = 500  # of a name; no picture has room for more
_AZURE = 0.53  # where the colour wheel starts: far from skin, fur, wood and leaves
_GOLDEN = 0.618033988749895  # turns the colour wheel so that no two near numbers look alike


def overlay(
    image: Pixels,
    windows: Sequence[Window | None],
    *,
    boxes: npt.NDArray[np.float64] | None = None,
    corners: npt.NDArray[np.float64] | None = None,
    frames: bool = True,
    labels: Sequence[str] = (),
    enlarge: int = 1,
) -> Pixels:
    """Draw N masks, and where given N boxes (N, 4) and labels, over a copy of an image (H, W, 3).

    A mask that is None is left out, its box is not. `frames` False leaves the boxes themselves
    out and keeps their labels; `enlarge` repeats each pixel, for small images. `corners` (N, 4, 2)
    are those of boxes that are turned, NaN for the others.
    """
    canvas = image.repeat(enlarge, axis=0).repeat(enlarge, axis=1)
    for number, window in enumerate(windows):
        if window is not None:
            _paint(canvas, window, colour(number), enlarge)
    if boxes is None:
        return canvas
    picture = Image.fromarray(canvas)
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(max(10, min(canvas.shape[:2]) // 40))
    limits = np.tile(canvas.shape[1::-1], 2)
    for number, box in enumerate(np.clip(boxes * enlarge, -1, limits + 1)):
        if frames and corners is not None and np.isfinite(corners[number]).all():
            ring = [(x, y) for x, y in (corners[number] * enlarge).tolist()]
            pen.polygon(ring, outline=colour(number))
        elif frames:
            _frame(pen, box, colour(number))
        if number < len(labels):
            _write(pen, font, box, labels[number], colour(number))
    return np.array(picture)


def scaled(window: Window, scale: float) -> Window | None:
    """Resample a mask for an image `scale` times as large; None if nothing is left."""
    width, height = (round(side * scale) for side in window.bits.shape)
    if not (width and height):
        return None
    bits = Image.fromarray(window.bits.T.astype(np.uint8) * 255)
    resized = np.asarray(bits.resize((width, height), Image.Resampling.BILINEAR)) >= 128
    return Window(round(window.x * scale), round(window.y * scale), resized.T)


def captioned(image: Pixels, caption: str) -> Pixels:
    """Write a line of text on a white strip below an image."""
    font = ImageFont.load_default(_CAPTION)
    strip = Image.new("RGB", (image.shape[1], _CAPTION + 6), "white")
    pen = ImageDraw.Draw(strip)
    caption = _in_a_line(caption[-_MOST_LETTERS:])
    while caption and pen.textlength(caption, font=font) > strip.width - 4:
        caption = caption[1:]  # the end of a path tells more than its beginning
    pen.text((2, 1), caption, fill="black", font=font)
    return np.concatenate([image, np.asarray(strip)])


def sheet(tiles: Sequence[Pixels], *, width: int, gap: int = 4) -> Pixels:
    """Lay tiles out on white, row by row, each row at most `width` wide or one tile."""
    rows: list[list[Pixels]] = []
    for tile in tiles:
        if not rows or sum(one.shape[1] + gap for one in [*rows[-1], tile]) - gap > width:
            rows.append([])
        rows[-1].append(tile)
    heights = [max(tile.shape[0] for tile in row) for row in rows]
    across = max(sum(tile.shape[1] + gap for tile in row) - gap for row in rows)
    whole = np.full((sum(heights) + gap * (len(rows) - 1), across, 3), 255, np.uint8)
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for tile in row:
            whole[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
            left += tile.shape[1] + gap
        top += height + gap
    return whole


def colour(number: int) -> Colour:
    """Return the colour of an instance: always the same for the same number."""
    red, green, blue = colorsys.hsv_to_rgb((_AZURE + number * _GOLDEN) % 1, 0.85, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def outline(bits: npt.NDArray[np.bool_], thickness: int) -> npt.NDArray[np.bool_]:
    """Return the pixels of a mask within `thickness` of its border."""
    inner = bits
    for _ in range(thickness):
        padded = np.pad(inner, 1)
        inner = inner & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return bits & ~inner


def _paint(canvas: Pixels, window: Window, tint: Colour, enlarge: int) -> None:
    bits = window.bits.T.repeat(enlarge, axis=0).repeat(enlarge, axis=1)
    x, y = window.x * enlarge, window.y * enlarge
    view = canvas[y : y + bits.shape[0], x : x + bits.shape[1]]
    bits = bits[: view.shape[0], : view.shape[1]]  # rounding may push a mask over the border
    thickness = max(1, min(canvas.shape[:2]) // 400)
    view[bits] = (1 - _TINT) * view[bits] + _TINT * np.array(tint)
    # A dark line inside the bright one keeps the outline visible on any background.
    view[outline(bits, 2 * thickness)] = 0
    view[outline(bits, thickness)] = tint


def _in_a_line(text: str) -> str:
    """Return a name out of the data as it can be drawn: what is no letter is written out."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def _frame(pen: ImageDraw.ImageDraw, box: npt.NDArray[np.float64], tint: Colour) -> None:
    if not np.isfinite(box).all():
        return
    x0, y0, x1, y1 = (round(float(side)) for side in box)
    pen.rectangle((x0, y0, max(x1 - 1, x0), max(y1 - 1, y0)), outline=tint)


def _write(
    pen: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    box: npt.NDArray[np.float64],
    label: str,
    tint: Colour,
) -> None:
    if not label or not np.isfinite(box).all():
        return
    label = _in_a_line(label[:_MOST_LETTERS])
    _, _, width, height = pen.textbbox((0, 0), label, font=font)
    x = max(0.0, min(float(box[0]), pen.im.size[0] - width - 2))
    y = max(0.0, float(box[1]) - height - 2)
    pen.rectangle((x, y, x + width + 2, y + height + 2), fill=(0, 0, 0))
    bright = tuple((255 + side) // 2 for side in tint)  # a pure blue is hard to read on black
    pen.text((x + 1, y), label, fill=bright, font=font)
