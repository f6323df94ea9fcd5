"""YOLO label files: layouts, kinds of lines, and one defect at a time."""

from pathlib import Path

import numpy as np
import pytest
from annotation_files import annotate, make_job, output, photos
from box_files import in_bytes
from source_files import YOLO, write_source

from boxmask.check import check
from boxmask.data import ReadOptions, coco_form, read, segmentation
from boxmask.errors import InputError
from boxmask.faults import reason_of

BOX = "0 0.5 0.5 0.2 0.2"


@pytest.mark.parametrize(
    ("line", "reason"),
    {
        BOX: "",
        "0\t0.5  0.5 0.2 0.2\r": "",
        f"{BOX} 0.9": "",
        "7 0.5 0.5 0.2 0.2": "",
        "0 0.5 0.5 0.2": "box does not have four numbers",
        "0 0.5 0.5 x 0.2": "line cannot be read",
        "cat 0.5 0.5 0.2 0.2": "line cannot be read",
        "0.5 0.5 0.5 0.2 0.2": "line cannot be read",
        "-1 0.5 0.5 0.2 0.2": "line cannot be read",
        "0": "box does not have four numbers",
        "0 0.5 0.5 0 0.2": "box has no width or height",
        "0 nan 0.5 0.2 0.2": "box is not finite",
        "0 320 240 100 80": "box is not in fractions of the image",
        "0 0.1 0.1 0.4 0.1 0.4": "",  # six columns: the last is a confidence
        "0 0.1 0.1 0.4 0.1 2.0 0.4": "box is not in fractions of the image",
        "0 -0.5 -0.5 0.2 0.2": "box is outside the image",
    }.items(),
)
def test_a_defect_is_counted_and_named(tmp_path: Path, line: str, reason: str) -> None:
    files = {**YOLO, "labels/1.txt": f"{BOX}\n\n{line}\n"}
    boxes = write_source(tmp_path, files)
    dataset = read(boxes)
    assert [reason_of(code) for code in dataset.faults] == ["", "", "", reason]
    if reason:
        with pytest.raises(InputError, match=rf"labels/1\.txt, line 3: {reason}; found "):
            read(boxes, ReadOptions(strict=True))


def test_a_confidence_becomes_the_score(tmp_path: Path) -> None:
    dataset = read(write_source(tmp_path, {"labels/0.txt": f"{BOX} 0.25\n{BOX}\n"}))
    assert dataset.scores is not None
    assert dataset.scores.tolist()[0] == 0.25 and np.isnan(dataset.scores[1])
    assert in_bytes(coco_form(dataset).annotation(0, (40, 30)))["score"] == b"0.25"


def test_outlines_are_masks_that_exist_and_are_kept_in_pixels(tmp_path: Path) -> None:
    line = "1 0.1 0.1 0.5 0.1 0.5 0.5 0.3 0.9 0.1 0.5"
    boxes = write_source(tmp_path / "source", {**YOLO, "labels/1.txt": f"{line}\n"})
    dataset = read(boxes)
    assert dataset.has_mask.tolist() == [False, False, True]
    outline = [[4.0, 3.0, 20.0, 3.0, 20.0, 15.0, 12.0, 27.0, 4.0, 15.0]]
    assert segmentation(dataset, 2, (40, 30)) == outline
    job = make_job(tmp_path, boxes=boxes)
    assert annotate(job).tally.statuses["kept"] == 1
    kept = output(job)["annotations"][2]
    assert kept["segmentation"] == outline
    assert kept["bbox"] == [4, 3, 16, 24]
    assert kept["area"] == 16 * 12 + 16 * 12 / 2
    assert check(read(boxes, ReadOptions(images=photos(job))), job.out).holds


def test_outlines_of_four_corners_throughout_are_boxes(tmp_path: Path) -> None:
    turned = "0 0.5 0.1 0.9 0.5 0.5 0.9 0.1 0.5"
    upright = "0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5"
    dataset = read(write_source(tmp_path, {"labels/0.txt": f"{turned}\n{upright}\n"}))
    assert [reason_of(code) for code in dataset.faults] == ["", ""]
    assert dataset.is_turned.tolist() == [True, False]
    assert dataset.boxes[1].tolist() == [0.1, 0.1, 0.5, 0.5]
    assert not dataset.has_mask.any()
    mixed = f"{turned}\n0 0.1 0.1 0.5 0.1 0.5 0.5\n"
    other = read(write_source(tmp_path / "mixed", {"labels/0.txt": mixed}))
    assert other.has_mask.all() and not other.faults.any()


def test_labels_in_pixels_are_refused(tmp_path: Path) -> None:
    boxes = write_source(tmp_path, {"labels/0.txt": "0 320 240 100 80\n0 20 40 10 10\n"})
    with pytest.raises(InputError, match=r"labels/0\.txt, line 1: .* fractions of the image"):
        read(boxes)


LAYOUTS = {
    "roboflow": ("train/labels/a.txt", "train/images/a.jpg", "train: ../train/images"),
    "ultralytics": ("labels/train/a.txt", "images/train/a.jpeg", "train: images/train"),
    "with a path": ("set/labels/a.txt", "set/images/a.png", "path: set\ntrain: images"),
    "several": ("b/labels/a.txt", "b/images/a.webp", "train: [a/images, b/images]"),
    "a list": ("labels/a.txt", "images/a.JPG", "train: train.txt"),
    "darknet": ("obj/a.txt", "obj/a.jpg", ""),
    "flat": ("a.txt", "a.jpg", ""),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("inside", [False, True])
def test_every_layout_finds_its_images(tmp_path: Path, layout: str, inside: bool) -> None:
    label, photo, config = LAYOUTS[layout]
    files = {label: f"{BOX}\n", photo: "", "train.txt": f"./{photo}\n", "obj.names": "owl\nelf\n"}
    if config:
        files["data.yaml"] = f"{config}\nnames: [owl, no]\n"
    boxes = write_source(tmp_path, files, "data.yaml" if config else "")
    options = ReadOptions(images=(tmp_path / photo).parent if inside else None)
    dataset = read(boxes, options)
    assert dataset.format == "yolo"
    assert list(dataset.file_names) == [Path(photo).name if inside else photo]
    assert [one.name for one in dataset.categories] == ["owl", "no" if config else "elf"]


def test_classes_without_names_go_by_their_numbers(tmp_path: Path) -> None:
    dataset = read(write_source(tmp_path, {"labels/0.txt": "2 0.5 0.5 0.2 0.2\n"}))
    assert [one.name for one in dataset.categories] == ["0", "1", "2"]
    assert dataset.category_index.tolist() == [2]


def test_a_data_yaml_that_leads_nowhere_says_what_it_looked_at(tmp_path: Path) -> None:
    boxes = write_source(tmp_path, {"data.yaml": "train: gone\nnames: [cat]\n"}, "data.yaml")
    with pytest.raises(InputError, match=r"none of train, val and test leads .* looked at .*gone"):
        read(boxes)
