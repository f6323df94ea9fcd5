"""One PNG a mask, and objects cut out of their images."""

from pathlib import Path

import numpy as np
from export_files import HEIGHT, WIDTH, Bits, block, finished, finished_of
from PIL import Image

from boxmask.export import cutouts, mask_png

RING, SQUARE = block(2, 3, 6, 5) & ~block(4, 4, 2, 2), block(20, 10, 10, 10)
MASKS: list[Bits | None] = [RING, None, SQUARE]


def png_names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))


def test_each_mask_has_a_png_as_large_as_its_image(tmp_path: Path) -> None:
    dataset, out = finished(tmp_path, MASKS, images=["x/a.jpg", "b.jpg"], image_index=[0, 0, 1])
    made = mask_png.write(finished_of(dataset, out), tmp_path / "png")
    assert png_names(tmp_path / "png") == ["b/1.png", "x/a/1.png"]
    assert set(png_names(tmp_path / "png")) <= set(mask_png.names(finished_of(dataset, out)))
    assert (made.files, made.notes) == (2, {"boxes without a file": 1})
    for name, mask in (("x/a/1.png", RING), ("b/1.png", SQUARE)):
        with Image.open(tmp_path / "png" / name) as image:
            assert image.mode == "L"
            assert np.array_equal(np.asarray(image), 255 * mask.astype(np.uint8))


def test_an_object_is_cut_out_with_its_own_pixels(tmp_path: Path) -> None:
    dataset, out = finished(tmp_path, MASKS, images=["a.png", "gone.png"], image_index=[0, 0, 1])
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    made = cutouts.write(finished_of(dataset, out), tmp_path / "cut")
    assert png_names(tmp_path / "cut") == ["a/1.png"]
    assert (made.files, made.notes) == (1, {"boxes without a file": 2})
    with Image.open(tmp_path / "cut" / "a" / "1.png") as image:
        found = np.asarray(image)
    assert np.array_equal(found[:, :, :3], pixels[3:8, 2:8])
    assert np.array_equal(found[:, :, 3] == 255, RING[3:8, 2:8])
