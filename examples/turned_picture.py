"""Draw masks by upright boxes and by turned ones side by side: the picture of the documents.

    python examples/turned_picture.py docs/turned-boxes.jpg

The spoon and the legs of the tripod, in photographs of examples/photos. A few seconds.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

import boxmask
from boxmask.overlay import Pixels, captioned, overlay, sheet
from boxmask.predict import Predictor
from boxmask.turned import bounds_of
from boxmask.window import Window

PHOTOS = Path(__file__).parent / "photos"
# Corners x, y of each box, drawn by hand, and the part of the photograph that is shown.
CORNERS = {
    "coffee.jpg": [[(383, 56), (465, 78), (393, 342), (311, 320)]],
    "camera.jpg": [
        [(307, 314), (411, 488), (397, 496), (293, 322)],
        [(296, 322), (238, 514), (222, 510), (280, 318)],
    ],
}
SHOWN = {"coffee.jpg": (270, 30, 510, 370), "camera.jpg": (200, 250, 440, 512)}
HEIGHT = 300  # of a tile, pixels


def tiles(predict: Predictor, name: str) -> list[Pixels]:
    """Draw the masks of the upright boxes, then those of the turned ones."""
    pixels = np.asarray(Image.open(PHOTOS / name).convert("RGB"))
    corners = np.array(CORNERS[name], np.float64)
    boxes = bounds_of(corners)
    upright = overlay(pixels, windows(predict(pixels, boxes).masks), boxes=boxes)
    masks = predict(pixels, corners).masks
    turned = overlay(pixels, windows(masks), boxes=boxes, corners=corners)
    said = {"upright boxes": upright, "turned boxes": turned}
    return [captioned(shown(one, SHOWN[name]), what) for what, one in said.items()]


def windows(masks: npt.NDArray[np.bool_]) -> list[Window | None]:
    """Return masks (N, H, W) as the overlay takes them."""
    return [Window(0, 0, mask.T) for mask in masks]


def shown(picture: Pixels, part: tuple[int, int, int, int]) -> Pixels:
    """Cut a part out and bring it to the height of a tile."""
    x0, y0, x1, y1 = part
    size = round((x1 - x0) * HEIGHT / (y1 - y0)), HEIGHT
    cut = Image.fromarray(picture[y0:y1, x0:x1])
    return np.asarray(cut.resize(size, Image.Resampling.LANCZOS))


def main(out: Path) -> None:
    """Write the picture."""
    predict = boxmask.load(device="cpu")
    drawn = [tile for name in CORNERS for tile in tiles(predict, name)]
    Image.fromarray(sheet(drawn, width=2000, gap=8)).save(out, quality=88)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
