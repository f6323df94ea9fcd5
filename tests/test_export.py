"""Exports, each compared with what one gets by painting every mask pixel by pixel."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from export_files import HEIGHT, WIDTH, Bits, block, finished, finished_of, touch_images
from PIL import Image

from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.export import index_png, yolo


def write_index_pngs(dataset: BoxDataset, out: Path, folder: Path) -> int:
    return index_png.write(finished_of(dataset, out), folder).files


def write_yolo(dataset: BoxDataset, out: Path, folder: Path) -> int:
    touch_images(dataset, out.parent)
    return yolo.write(finished_of(dataset, out), folder).files


def painted(masks: Sequence[Bits | None], scores: Sequence[float]) -> npt.NDArray[np.int64]:
    """The rule itself, for one pixel at a time: the highest score wins."""
    index = np.zeros((HEIGHT, WIDTH), np.int64)
    for y in range(HEIGHT):
        for x in range(WIDTH):
            here = [i for i, bits in enumerate(masks) if bits is not None and bits[y, x]]
            index[y, x] = max(here, key=lambda i: scores[i]) + 1 if here else 0
    return index


def test_the_surer_detection_is_on_top_though_it_is_listed_second(tmp_path: Path) -> None:
    masks = [block(2, 2, 10, 10), block(6, 6, 10, 10)]
    dataset, out = finished(tmp_path, masks, scores=[0.5, 0.9])
    assert write_index_pngs(dataset, out, tmp_path / "png") == 1
    with Image.open(tmp_path / "png" / "a.png") as image:
        assert image.mode == "L" and image.size == (WIDTH, HEIGHT)
        pixels = np.asarray(image)
    assert pixels[8, 8] == 2 and pixels[3, 3] == 1 and pixels[0, 0] == 0


def test_random_masks_are_painted_as_one_pixel_at_a_time_would(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    masks = [None if rng.random() < 0.2 else rng.random((HEIGHT, WIDTH)) < 0.3 for _ in range(9)]
    scores = [round(float(score), 3) for score in rng.permutation(9) / 9]
    dataset, out = finished(tmp_path, masks, scores=scores)
    write_index_pngs(dataset, out, tmp_path)
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), painted(masks, scores))


def test_of_equal_confidence_the_first_stays_on_top(tmp_path: Path) -> None:
    for scores in ([0.5, 0.5], None):
        dataset, out = finished(tmp_path, [block(0, 0, 9, 9), block(0, 0, 12, 12)], scores=scores)
        write_index_pngs(dataset, out, tmp_path)
        with Image.open(tmp_path / "a.png") as image:
            assert np.asarray(image)[4, 4] == 1 and np.asarray(image)[11, 11] == 2


def test_a_place_over_255_takes_16_bits(tmp_path: Path) -> None:
    for count, mode in ((255, "L"), (256, "I;16")):
        masks = [None] * (count - 1) + [block(1, 1, 3, 3)]
        dataset, out = finished(tmp_path, masks, scores=[0.5] * count)
        write_index_pngs(dataset, out, tmp_path)
        with Image.open(tmp_path / "a.png") as image:
            assert image.mode == mode
            assert np.asarray(image)[2, 2] == count


def test_there_is_a_png_exactly_where_there_are_detections_and_a_size(tmp_path: Path) -> None:
    dataset, out = finished(
        tmp_path,
        [None, block(1, 1, 2, 2)],
        images=("none.jpg", "skipped.jpg", "masked.jpg"),
        image_index=[1, 2],
        sizes=[(WIDTH, HEIGHT), (WIDTH, HEIGHT), (0, 0)],
    )
    assert write_index_pngs(dataset, out, tmp_path / "png") == 2
    assert sorted(path.name for path in (tmp_path / "png").iterdir()) == [
        "masked.png",
        "skipped.png",
    ]
    with Image.open(tmp_path / "png" / "skipped.png") as image:
        assert not np.asarray(image).any()


@pytest.mark.parametrize(
    ("images", "written"),
    [
        (["train/a.jpg", "test/b.jpg"], ["a.png", "b.png"]),
        (["one/a.jpg", "two/a.jpg"], ["one/a.png", "two/a.png"]),
        (["one/a.v1.jpg", "a.v2.jpg"], ["a.v1.png", "a.v2.png"]),
    ],
)
def test_folders_are_left_out_as_in_iwildcam_unless_names_would_collide(
    tmp_path: Path, images: list[str], written: list[str]
) -> None:
    dataset, out = finished(tmp_path, [block(1, 1, 2, 2)] * 2, images=images, image_index=[0, 1])
    write_index_pngs(dataset, out, tmp_path / "png")
    found = [str(path.relative_to(tmp_path / "png")) for path in (tmp_path / "png").rglob("*.png")]
    assert sorted(found) == written


def test_two_images_of_one_name_are_an_error_that_names_both(tmp_path: Path) -> None:
    images = ["a/x.jpg", "a/x.png"]
    dataset, out = finished(tmp_path, [block(1, 1, 2, 2)] * 2, images=images, image_index=[0, 1])
    for write in (write_index_pngs, write_yolo):
        with pytest.raises(InputError, match=r"'a/x.jpg' and 'a/x.png' would both"):
            write(dataset, out, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_outside_the_folder(tmp_path: Path) -> None:
    dataset, out = finished(
        tmp_path, [block(1, 1, 2, 2)], images=["../../a.jpg"], category_index=[0]
    )
    assert write_index_pngs(dataset, out, tmp_path / "x" / "png") == 0
    assert write_yolo(dataset, out, tmp_path / "x" / "yolo") == 0
    assert not list(tmp_path.rglob("a.*"))


def test_what_an_earlier_run_wrote_for_an_image_without_masks_now_goes(tmp_path: Path) -> None:
    images = ["in/a.jpg", "b.jpg"]
    png, yolo = tmp_path / "png", tmp_path / "yolo"
    for masks in ([block(1, 1, 2, 2)] * 2, [block(1, 1, 2, 2)]):
        index = list(range(len(masks)))
        dataset, out = finished(
            tmp_path, masks, images=images, image_index=index, category_index=index
        )
        for write, folder in ((write_index_pngs, png), (write_yolo, yolo)):
            assert write(dataset, out, folder) == len(masks)
            (folder / "mine.txt").write_text("left alone")
    assert sorted(path.name for path in png.iterdir()) == ["a.png", "mine.txt"]
    assert [path.name for path in yolo.rglob("labels/**/*.txt")] == ["a.txt"]
    assert (yolo / "mine.txt").exists()


@pytest.mark.parametrize("name", ["\ud800.jpg", "a" * 300 + ".jpg"])
def test_a_name_that_no_file_can_have_has_no_export(tmp_path: Path, name: str) -> None:
    dataset, out = finished(tmp_path, [block(1, 1, 2, 2)], images=[name], category_index=[0])
    assert write_index_pngs(dataset, out, tmp_path / "png") == 0
    assert write_yolo(dataset, out, tmp_path / "yolo") == 0


def test_an_output_of_another_input_is_refused(tmp_path: Path) -> None:
    dataset, _ = finished(tmp_path, [None])
    other = tmp_path / "other"
    other.mkdir()
    _, out = finished(other, [None, None])
    with pytest.raises(InputError, match=r"2 annotations, but .* has 1"):
        write_index_pngs(dataset, out, tmp_path)


def test_a_broken_mask_is_an_error_that_names_its_annotation(tmp_path: Path) -> None:
    dataset, out = finished(tmp_path, [block(1, 1, 2, 2)])
    out.write_text(out.read_text().replace('"size": [20', '"size": [21'))
    with pytest.raises(InputError, match=r"annotations\[0\] \(id 1\).*--overwrite"):
        write_yolo(dataset, out, tmp_path)


def test_an_existing_file_is_replaced_and_no_temporary_one_stays(tmp_path: Path) -> None:
    dataset, out = finished(tmp_path, [block(3, 3, 2, 2)])
    write_index_pngs(dataset, out, tmp_path / "png")
    before = (tmp_path / "png" / "a.png").read_bytes()
    dataset, out = finished(tmp_path, [block(1, 1, 2, 2)])
    write_index_pngs(dataset, out, tmp_path / "png")
    assert (tmp_path / "png" / "a.png").read_bytes() != before
    assert [path.name for path in (tmp_path / "png").iterdir()] == ["a.png"]
    assert (tmp_path / "png" / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_an_image_said_to_be_larger_than_any_has_no_png(tmp_path: Path) -> None:
    largest = 2**31 - 1
    dataset, out = finished(tmp_path, [None], sizes=[(largest, largest)])
    assert write_index_pngs(dataset, out, tmp_path / "png") == 0
