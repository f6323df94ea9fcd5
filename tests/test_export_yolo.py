"""The YOLO dataset: what readers that draw as cv2.fillPoly does get from it, and where it lies.

The rule of drawing is written here pixel by pixel, and held against cv2 where that is installed.
"""

import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from export_files import HEIGHT, WIDTH, Bits, block, finished, finished_of, touch_images
from hypothesis import given, settings
from hypothesis import strategies as st

from boxmask.dataset import BoxDataset
from boxmask.errors import ConfigError
from boxmask.export import yolo
from boxmask.export.bridge import one_ring
from boxmask.window import Window

Pixels = npt.NDArray[np.int64]


def drawn(points: Pixels, width: int, height: int) -> Bits:
    """Fill a ring of whole pixels (P, 2) by the even-odd rule, and draw its outline."""
    y, x = np.mgrid[:height, :width]
    inside, outline = np.zeros((2, height, width), np.bool_)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (
                x * abs(y1 - y0) < x0 * abs(y1 - y0) + (y - y0) * (x1 - x0) * np.sign(y1 - y0)
            )
        count = max(abs(x1 - x0), abs(y1 - y0)) + 1
        line = np.rint(np.linspace(x0, x1, count)), np.rint(np.linspace(y0, y1, count))
        outline[line[1].astype(int), line[0].astype(int)] = True
    return inside | outline


def iou(one: Bits, other: Bits) -> float:
    return float((one & other).sum() / (one | other).sum())


def window_of(bits: Bits) -> Window:
    window = Window(0, 0, bits.T).trimmed()
    assert window is not None
    return window


def some_bits(seed: int, *, density: float) -> Bits:
    """Noise that was thinned and thickened, so that it has parts, holes, strands and corners."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((10, 15)) < density
    bits = coarse.repeat(2, axis=0).repeat(2, axis=1) ^ (rng.random((HEIGHT, WIDTH)) < 0.03)
    bits[3, 4] = True
    return bits


def expected_iou(bits: Bits) -> float:
    ring = one_ring(window_of(bits))
    return float((bits.sum() - ring.dropped) / (bits.sum() + ring.bridged))


SHAPES = {
    "whole image": block(0, 0, WIDTH, HEIGHT),
    "one pixel": block(3, 3, 1, 1),
    "a strand": block(3, 3, 9, 1) | block(11, 3, 1, 7),
    "a hole": block(3, 3, 12, 12) & ~block(6, 6, 5, 5),
    "an island in a hole that touches it": block(3, 3, 12, 12) & ~block(6, 6, 5, 5)
    | block(6, 6, 2, 2),
    "two holes that touch": block(2, 2, 12, 12) & ~block(4, 4, 3, 3) & ~block(7, 7, 3, 3),
    "pixels that touch at corners": block(1, 1, 2, 2) | block(3, 3, 2, 2) | block(5, 1, 2, 2),
    "a hole at a border of one pixel": block(0, 0, 5, 5) & ~block(1, 1, 3, 3),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_mask_whose_parts_touch_is_drawn_exactly(name: str) -> None:
    ring = one_ring(window_of(SHAPES[name]))
    assert (ring.bridged, ring.dropped) == (0, 0)
    assert np.array_equal(drawn(np.floor(ring.points).astype(int), WIDTH, HEIGHT), SHAPES[name])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 9999), st.sampled_from([0.2, 0.5, 0.8]))
def test_what_is_drawn_differs_by_the_bridges_and_specks_that_are_told(
    seed: int, density: float
) -> None:
    bits = some_bits(seed, density=density)
    ring = one_ring(window_of(bits))
    pixels = drawn(np.floor(ring.points).astype(int), WIDTH, HEIGHT)
    assert (bits & ~pixels).sum() <= ring.dropped
    assert (pixels & ~bits).sum() <= ring.bridged


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 9999), st.sampled_from([0.2, 0.5, 0.8]))
def test_cv2_draws_as_the_rule_says(seed: int, density: float) -> None:
    cv2 = pytest.importorskip("cv2", reason="needs opencv-python-headless")
    ring = one_ring(window_of(some_bits(seed, density=density)))
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(canvas, [ring.points.astype(np.int32)], 1)
    pixels = drawn(np.floor(ring.points).astype(int), WIDTH, HEIGHT)
    # Of slanted bridges, cv2 rounds some pixels the other way.
    assert (canvas.astype(np.bool_) != pixels).sum() <= 2 * ring.bridged


def test_parts_apart_are_joined_by_the_shortest_bridge() -> None:
    near = block(2, 2, 5, 5) | block(9, 2, 5, 5) | block(16, 2, 5, 5)
    assert one_ring(window_of(near))[1:] == (4, 0)


def test_a_speck_smaller_than_its_bridge_is_left_out() -> None:
    assert one_ring(window_of(block(2, 2, 5, 5) | block(12, 3, 2, 1)))[1:] == (0, 2)


def test_the_ring_is_inside_the_mask_s_own_pixels() -> None:
    points = one_ring(Window(4000, 2990, np.ones((3, 2), np.bool_))).points
    assert points.tolist() == [
        [4000.25, 2990.25],
        [4002.25, 2990.25],
        [4002.25, 2991.25],
        [4000.25, 2991.25],
    ]


def write_yolo(dataset: BoxDataset, out: Path, folder: Path, **options: object) -> int:
    touch_images(dataset, out.parent)
    return yolo.write(finished_of(dataset, out, **options), folder).files


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_text_says_the_mask_again_in_six_decimals(tmp_path: Path) -> None:
    masks = list(SHAPES.values())
    dataset, out = finished(tmp_path, masks, category_index=[0, 1] * (len(masks) // 2))
    assert write_yolo(dataset, out, tmp_path / "yolo") == 1
    lines = (tmp_path / "yolo" / "labels" / "a.txt").read_text().splitlines()
    assert [int(line.split()[0]) for line in lines] == [0, 1] * (len(masks) // 2)
    for bits, line in zip(masks, lines, strict=True):
        points = np.array(line.split()[1:], np.float32).reshape(-1, 2)
        assert len(points) >= 3 and points.min() >= 0 and points.max() <= 1
        pixels = points * np.array([WIDTH, HEIGHT], np.float32)
        for whole in (pixels.astype(int), np.round(pixels).astype(int)):
            assert np.array_equal(drawn(whole, WIDTH, HEIGHT), bits)


def test_an_image_whose_boxes_were_all_skipped_is_left_out_and_counted(tmp_path: Path) -> None:
    images = ["a.jpg", "b.jpg", "gone.jpg"]
    dataset, out = finished(
        tmp_path,
        [block(1, 1, 2, 2), None, None, block(1, 1, 2, 2)],
        images=images,
        image_index=[0, 0, 1, 2],
    )
    (tmp_path / "a.jpg").write_bytes(b"an image")
    made = yolo.write(finished_of(dataset, out), tmp_path / "yolo")
    assert files(tmp_path / "yolo") == ["data.yaml", "images/a.jpg", "labels/a.txt"]
    assert made.files == 1
    assert made.notes["images left out, without a mask or a file"] == 2
    assert made.notes["boxes without a mask in the other images"] == 1


def test_images_are_links_one_by_one_and_the_folder_may_be_moved(tmp_path: Path) -> None:
    dataset, out = finished(tmp_path / "data", [block(1, 1, 2, 2)])
    write_yolo(dataset, out, tmp_path / "yolo")
    shutil.move(tmp_path / "yolo", tmp_path / "elsewhere")
    image = tmp_path / "elsewhere" / "images" / "a.jpg"
    assert image.is_symlink() and not image.parent.is_symlink()
    assert image.read_bytes() == b"an image"
    assert "path" not in (tmp_path / "elsewhere" / "data.yaml").read_text()


def test_images_are_copied_where_that_is_asked_for(tmp_path: Path) -> None:
    dataset, out = finished(tmp_path / "data", [block(1, 1, 2, 2)])
    write_yolo(dataset, out, tmp_path / "yolo", yolo_copy=True)
    shutil.rmtree(tmp_path / "data")
    assert (tmp_path / "yolo" / "images" / "a.jpg").read_bytes() == b"an image"


def test_a_part_of_the_images_is_for_validation_and_the_choice_is_stable(tmp_path: Path) -> None:
    images = [f"{k}.jpg" for k in range(10)]
    dataset, out = finished(
        tmp_path / "data", [block(1, 1, 2, 2)] * 10, images=images, image_index=range(10)
    )
    write_yolo(dataset, out, tmp_path / "plain")
    listed = [(tmp_path, seed) for seed in (0, 0, 1)]
    found = []
    for _, seed in listed:
        write_yolo(dataset, out, tmp_path / "yolo", yolo_val=0.3, yolo_seed=seed)
        found.append(files(tmp_path / "yolo"))
    assert found[0] == found[1] != found[2]
    for name in found[2]:
        assert name == "data.yaml" or name.split("/")[1] in ("train", "val")
    assert sum(name.startswith("images/val/") for name in found[0]) == 3
    assert {Path(name).name for name in found[0] if "images" in name} == set(images)
    assert "train: images/train\nval: images/val\n" in (tmp_path / "yolo" / "data.yaml").read_text()


def test_a_folder_called_images_in_a_name_is_left_out(tmp_path: Path) -> None:
    dataset, out = finished(tmp_path / "data", [block(1, 1, 2, 2)], images=["images/x/a.jpg"])
    write_yolo(dataset, out, tmp_path / "yolo")
    assert files(tmp_path / "yolo") == ["data.yaml", "images/x/a.jpg", "labels/x/a.txt"]


def test_full_paths_into_the_folder_of_images_are_names_in_it(tmp_path: Path) -> None:
    name = str(tmp_path / "data" / "x" / "a.jpg")
    dataset, out = finished(tmp_path / "data", [block(1, 1, 2, 2)], images=[name])
    write_yolo(dataset, out, tmp_path / "yolo")
    assert files(tmp_path / "yolo") == ["data.yaml", "images/x/a.jpg", "labels/x/a.txt"]


def test_a_link_to_the_images_themselves_is_refused(tmp_path: Path) -> None:
    dataset, out = finished(tmp_path / "data", [block(1, 1, 2, 2)])
    (tmp_path / "yolo").mkdir()
    (tmp_path / "yolo" / "images").symlink_to(tmp_path / "data")
    with pytest.raises(ConfigError, match="a link to another folder"):
        write_yolo(dataset, out, tmp_path / "yolo")


def test_yolo_keeps_folders_and_skips_what_has_no_mask_no_class_or_is_a_crowd(
    tmp_path: Path,
) -> None:
    bits = block(1, 1, 4, 4)
    dataset, out = finished(
        tmp_path,
        [bits, None, bits, bits],
        images=["one/a.jpg", "two/a.jpg", "b.jpg", "c.jpg"],
        image_index=[0, 1, 2, 3],
        category_index=[1, 0, 0, -1],
        crowd=[2],
    )
    assert write_yolo(dataset, out, tmp_path / "yolo") == 1
    assert [str(p.relative_to(tmp_path)) for p in (tmp_path / "yolo").rglob("*.txt")] == [
        "yolo/labels/one/a.txt"
    ]


def test_yolo_classes_are_named_in_the_order_of_the_categories(tmp_path: Path) -> None:
    names = ["plain", 'with "quotes": and #', "ünï"]
    dataset, out = finished(tmp_path, [None], names=names)
    write_yolo(dataset, out, tmp_path)
    listed = (tmp_path / "data.yaml").read_text(encoding="utf-8").split("names:\n")[1]
    assert listed == '  0: "plain"\n  1: "with \\"quotes\\": and #"\n  2: "ünï"\n'
