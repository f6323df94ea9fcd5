"""Draw the masks of an annotated COCO file over its pictures, as one sheet.

    python examples/picture.py masks.json IMAGES sheet.jpg

Takes a second. The README's picture is the sheet of examples/photos.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from boxmask.overlay import overlay
from boxmask.rle import decode_window

HEIGHT = 260
WIDTH = 1060


def draw(image: dict[str, Any], annotations: list[dict[str, Any]], folder: Path) -> Image.Image:
    """Draw one picture with all its masks, the largest first."""
    pixels = np.asarray(Image.open(folder / image["file_name"]).convert("RGB"))
    height, width = pixels.shape[:2]
    made = [one for one in annotations if one.get("boxmask", {}).get("status") == "ok"]
    made.sort(key=lambda one: -float(one["area"]))
    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h in (one["bbox"] for one in made)])
    windows = [
        decode_window(one["segmentation"], width=width, height=height, box=box)
        for one, box in zip(made, boxes, strict=True)
    ]
    labels = [f"{one['boxmask']['predicted_iou']:.2f}" for one in made]
    drawn = Image.fromarray(overlay(pixels, windows, boxes=boxes.reshape(-1, 4), labels=labels))
    return drawn.resize((round(width * HEIGHT / height), HEIGHT), Image.Resampling.LANCZOS)


def rows(pictures: list[Image.Image]) -> list[list[Image.Image]]:
    """Break pictures into rows that are not wider than the sheet."""
    broken: list[list[Image.Image]] = [[]]
    for picture in pictures:
        if sum(one.width for one in broken[-1]) + picture.width > WIDTH:
            broken.append([])
        broken[-1].append(picture)
    return broken


def sheet(pictures: list[Image.Image]) -> Image.Image:
    """Lay pictures out in rows on white."""
    laid = rows(pictures)
    width = max(sum(one.width for one in row) for row in laid)
    whole = Image.new("RGB", (width, HEIGHT * len(laid)), "white")
    for number, row in enumerate(laid):
        left = 0
        for picture in row:
            whole.paste(picture, (left, HEIGHT * number))
            left += picture.width
    return whole


def main(masks: Path, folder: Path, out: Path) -> None:
    """Draw every picture of a file."""
    content = json.loads(masks.read_text(encoding="utf-8"))
    pictures = []
    for image in content["images"]:
        of_image = [one for one in content["annotations"] if one["image_id"] == image["id"]]
        pictures.append(draw(image, of_image, folder))
    sheet(pictures).save(out, quality=88)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
