"""A sheet of sample masks: one strip for every validation, the truth on top.

Strips are files of their own, so a run that goes on from a state keeps the older ones.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from boxmask.models.network import MaskNetwork
from boxmask.overlay import overlay
from boxmask.train.data.scene import Pixels
from boxmask.train.run_folder import RunFolder
from boxmask.train.watch.validation import Validation, predict
from boxmask.window import Window

TILE = 128  # pixels
_TILES = 10  # of a strip
_STRIPS = 12  # of the sheet, with the truth
_CONTEXT = 1.3  # of the box that is shown


def add_strip(
    folder: RunFolder, validation: Validation, network: MaskNetwork, *, step: int
) -> None:
    """Draw how the sample boxes are masked now, and the sheet again."""
    chosen = np.linspace(0, len(validation.items) - 1, min(_TILES, len(validation.items)))
    items = validation.items[np.unique(chosen.astype(int))]
    folder.samples.mkdir(exist_ok=True)
    collection = validation.collection
    device = next(network.parameters()).device
    masks = {item: mask for item, mask, _ in predict(network, collection, items, device)}
    items = items[np.isin(items, list(masks))]
    if not len(items):
        return
    truth = {int(item): collection.instances[int(item)].mask for item in items}
    for name, title, drawn in (
        ("truth", "truth", truth),
        (f"step_{step:07d}", f"step {step:,}", masks),
    ):
        tiles = [
            _tile(
                collection.images[int(collection.table.image[item])],
                collection.instances[int(item)].box,
                drawn[int(item)],
            )
            for item in items
        ]
        _strip(tiles, title).save(folder.samples / f"{name}.png")
    strips = sorted(folder.samples.glob("step_*.png"))
    kept = np.unique(np.linspace(0, len(strips) - 1, min(_STRIPS - 1, len(strips))).astype(int))
    sheet = [folder.samples / "truth.png", *(strips[i] for i in kept)]
    _stacked(sheet).save(folder.path / "samples.png")


def remove_strips_after(folder: RunFolder, step: int) -> None:
    """Remove the strips of steps that a resumed run will do again."""
    for path in folder.samples.glob("step_*.png"):
        if int(path.stem.removeprefix("step_")) > step:
            path.unlink()


def _tile(image: Pixels, box: np.ndarray, mask: Window | None) -> Image.Image:
    """Draw a box with some context and its mask as a square."""
    centre, side = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max()) * _CONTEXT
    corners = np.concatenate([centre - side / 2, centre + side / 2])
    tile = _square(image, corners)
    if mask is not None:
        whole = Window(0, 0, np.zeros(image.shape[1::-1], dtype=np.bool_)).overlap(mask)
        inside = _square(whole.T.astype(np.uint8) * 255, corners) > 127
        tile = overlay(tile, [Window(0, 0, inside.T)])
    return Image.fromarray(tile)


def _square(image: Pixels, corners: np.ndarray) -> Pixels:
    return np.asarray(
        Image.fromarray(image).transform(
            (TILE, TILE), Image.Transform.EXTENT, tuple(corners), Image.Resampling.BILINEAR
        )
    )


def _strip(tiles: Sequence[Image.Image], title: str) -> Image.Image:
    strip = Image.new("RGB", (TILE * len(tiles), TILE + 14), "white")
    for place, tile in enumerate(tiles):
        strip.paste(tile, (place * TILE, 14))
    ImageDraw.Draw(strip).text((2, 1), title, fill="black")
    return strip


def _stacked(paths: Sequence[Path]) -> Image.Image:
    strips = []
    for path in paths:
        with Image.open(path) as opened:
            strips.append(opened.convert("RGB"))
    sheet = Image.new("RGB", (max(s.width for s in strips), sum(s.height for s in strips)), "white")
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    return sheet
