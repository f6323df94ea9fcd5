"""Turned boxes in every form that is read: one test rectangle, always the same four corners.

Its centre is (5, 3), it is 4 x 2 and turned by 30 degrees clockwise on screen, in an image 10 x 10.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from box_files import annotation, coco, image, write
from source_files import cvat, cvat_box, labelme, result, shape, task, voc, voc_object, write_source

from boxmask.data import ReadOptions, frame_boxes, pixel_corners, read
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.evaluate.reading import read_masks
from boxmask.faults import reason_of
from boxmask.formats import BoxForm

CORNERS = [3.7679, 1.1340, 7.2321, 3.1340, 6.2321, 4.8660, 2.7679, 2.8660]
FRACTIONS = [side / 10 for side in CORNERS]
POINTS = [CORNERS[k : k + 2] for k in range(0, 8, 2)]
SIZE = {"width": 10, "height": 10}


def require_rectangle(dataset: BoxDataset, row: int = 0) -> None:
    """Require that a row is the test rectangle, corner by corner."""
    assert reason_of(dataset.faults[row]) == "" and not dataset.has_mask[row]
    corners = pixel_corners(dataset, np.array([row]), 10, 10)
    assert corners is not None
    np.testing.assert_allclose(corners[0], POINTS, atol=1e-3)
    scale = 0.1 if dataset.relative[row] else 1
    bounds = [2.7679, 1.1340, 7.2321, 4.8660]
    np.testing.assert_allclose(dataset.boxes[row] / scale, bounds, atol=1e-3)
    (box,), angles = frame_boxes(dataset, np.array([row]), 10, 10)
    assert angles is not None and math.degrees(angles[0]) == pytest.approx(30, abs=0.01)
    np.testing.assert_allclose(box[2:] - box[:2], [4, 2], atol=1e-3)


def in_file(path: Path, record: dict[str, Any], bbox: BoxForm = "auto") -> BoxDataset:
    """Read a COCO file of one annotation in an image 10 x 10."""
    written = write(path / "boxes.json", coco(annotation(**record), images=[image(**SIZE)]))
    return read(written, ReadOptions(bbox=bbox))


FIVE: dict[BoxForm, list[float]] = {
    "cxcywh-ccw-degrees": [5, 3, 4, 2, -30],  # detectron2, torchvision's cxcywhr
    "cxcywh-ccw-radians": [5, 3, 4, 2, -0.5236],
    "cxcywh-cw-degrees": [5, 3, 4, 2, 30],  # OpenCV
    "cxcywh-cw-radians": [5, 3, 4, 2, 0.5236],  # mmrotate
    "xywh-ccw-degrees": [3, 2, 4, 2, -30],
    "xywh-ccw-radians": [3, 2, 4, 2, -0.5236],  # ODTK
    "xywh-cw-degrees": [3, 2, 4, 2, 30],
    "xywh-cw-radians": [3, 2, 4, 2, 0.5236],
}


@pytest.mark.parametrize("form", FIVE)
def test_five_numbers_of_coco_are_what_is_said(tmp_path: Path, form: BoxForm) -> None:
    require_rectangle(in_file(tmp_path, {"bbox": FIVE[form]}, form))


@pytest.mark.parametrize("numbers", [(5, 3, 2, 4, -60), (5, 3, 2, 4, 120), (5, 3, 4, 2, 210)])
def test_sides_may_be_named_the_other_way_round(tmp_path: Path, numbers: tuple[float, ...]) -> None:
    """minAreaRect of several versions of OpenCV, and any turn further round."""
    dataset = in_file(tmp_path, {"bbox": list(numbers)}, "cxcywh-cw-degrees")
    (box,), angles = frame_boxes(dataset, np.array([0]), 10, 10)
    assert angles is not None and math.degrees(angles[0]) == pytest.approx(30)
    np.testing.assert_allclose(box[2:] - box[:2], [4, 2])
    np.testing.assert_allclose(dataset.boxes[0], [2.7679, 1.1340, 7.2321, 4.8660], atol=1e-3)


def test_five_numbers_of_which_nothing_is_said_stop_the_run(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"1 of 1 boxes have five numbers.*\[5, 3, 4, 2, -30\].*"
    ) as e:
        in_file(tmp_path, {"bbox": [5, 3, 4, 2, -30]})
    assert "--bbox cxcywh-ccw-degrees" in str(e.value)


def test_one_box_of_five_numbers_among_many_is_skipped(tmp_path: Path) -> None:
    rows = [annotation(id=k) for k in range(3)] + [annotation(id=9, bbox=[5, 3, 4, 2, -30])]
    dataset = read(write(tmp_path / "boxes.json", coco(*rows)))
    assert [reason_of(code) for code in dataset.faults[2:]] == [
        "",
        "box does not have four numbers",
    ]


def test_eight_numbers_of_coco_are_four_corners(tmp_path: Path) -> None:
    require_rectangle(in_file(tmp_path, {"bbox": CORNERS}))


@pytest.mark.parametrize(
    "written", [[CORNERS], [[*CORNERS, *CORNERS[:2]]], POINTS, [POINTS], [*POINTS, POINTS[0]]]
)
def test_a_segmentation_of_four_corners_is_the_box_where_it_is_said_so(
    tmp_path: Path, written: list[Any]
) -> None:
    record = {"bbox": [2.77, 1.13, 4.46, 3.73], "segmentation": written}
    require_rectangle(in_file(tmp_path, record, "segmentation"))
    if written in ([CORNERS], [[*CORNERS, *CORNERS[:2]]]):
        plain = in_file(tmp_path, record)  # else it is a mask, as COCO has it
        assert plain.has_mask.all() and plain.turned is None


def test_a_segmentation_of_more_corners_stays_a_mask(tmp_path: Path) -> None:
    record = {"segmentation": [[1, 1, 5, 1, 6, 4, 3, 6, 1, 4]], "bbox": [1, 1, 5, 5]}
    dataset = in_file(tmp_path, record, "segmentation")
    assert dataset.has_mask.all() and dataset.turned is None


def test_the_rotation_that_cvat_writes_into_coco(tmp_path: Path) -> None:
    turned = {"bbox": [3, 2, 4, 2], "attributes": {"occluded": False, "rotation": 30.0}}
    require_rectangle(in_file(tmp_path, turned))
    for attributes in (
        {"occluded": False, "rotation": 0.0},
        {"rotation": 30},
        {"rotation": "left"},
    ):
        dataset = in_file(tmp_path, turned | {"attributes": attributes})
        assert dataset.turned is None and dataset.boxes[0].tolist() == [3, 2, 7, 4]


def test_the_mark_of_a_run_keeps_the_turned_box(tmp_path: Path) -> None:
    mark = {"status": "ok", "turned_box": CORNERS}
    tightened = {"bbox": [3, 2, 4, 2], "boxmask": mark}
    require_rectangle(in_file(tmp_path, tightened))
    cvat = {"attributes": {"occluded": False, "rotation": 77.0}}
    require_rectangle(in_file(tmp_path, tightened | cvat))


def test_yolo_obb(tmp_path: Path) -> None:
    line = " ".join(map(str, FRACTIONS))
    for more in ("", " 0.75"):
        dataset = read(write_source(tmp_path, {"labels/0.txt": f"0 {line}{more}\n"}))
        require_rectangle(dataset)
        assert dataset.relative.all()
        assert (dataset.scores is None) == (more == "")


DOTA = "3.7679 1.1340 7.2321 3.1340 6.2321 4.8660 2.7679 2.8660 small-vehicle"


@pytest.mark.parametrize("head", ["", "imagesource:GoogleEarth\ngsd:0.146343590398\n"])
@pytest.mark.parametrize("difficult", ["", " 1"])
def test_dota(tmp_path: Path, head: str, difficult: str) -> None:
    files = {"labelTxt/P0001.txt": f"{head}{DOTA}{difficult}\r\n", "images/P0001.png": ""}
    dataset = read(write_source(tmp_path, files))
    assert dataset.format == "dota" and list(dataset.file_names) == ["images/P0001.png"]
    require_rectangle(dataset)
    assert dataset.categories[dataset.category_index[0]].name == "small-vehicle"
    record = json.loads(dataset.records[0])
    assert record["source"]["record"] == f"{DOTA}{difficult}"
    assert record["source"]["line"] == 1 + head.count("\n")
    assert record.get("attributes") == ({"difficult": "1"} if difficult else None)
    assert json.loads(dataset.image_records[0])["source"].get("record", "") == head.strip()


@pytest.mark.parametrize(
    ("label", "photo"),
    [
        ("train/labelTxt-v1.0/labelTxt/P1.txt", "train/images/images/P1.png"),
        ("train/labelTxt-v1.5/P1.txt", "train/images/P1.png"),
        ("P1.txt", "P1.png"),
    ],
)
def test_dota_finds_its_images(tmp_path: Path, label: str, photo: str) -> None:
    dataset = read(write_source(tmp_path, {label: f"{DOTA} 0\n", photo: ""}))
    assert list(dataset.file_names) == [photo]


def test_a_line_of_dota_that_cannot_be_read_is_a_row(tmp_path: Path) -> None:
    dataset = read(write_source(tmp_path, {"labelTxt/a.txt": f"{DOTA} 0\n1 2 3 ship\nx {DOTA}\n"}))
    assert [reason_of(code) for code in dataset.faults] == ["", *["line cannot be read"] * 2]


def test_cvat(tmp_path: Path) -> None:
    box = cvat_box("cat", 3, 2, 7, 4, more=' rotation="30.00"')
    photo = f'<image id="0" name="0.png" width="10" height="10">{box}</image>'
    dataset = read(write_source(tmp_path, {"annotations.xml": cvat(photo)}, "annotations.xml"))
    require_rectangle(dataset)


def test_label_studio_turns_about_the_corner_in_pixels(tmp_path: Path) -> None:
    one = result("cat", 37.679, 11.340, 40, 20, rotation=30)
    one |= {"original_width": 10, "original_height": 10}
    path = write(tmp_path / "tasks.json", [task("a.png", one)])
    require_rectangle(read(path))
    # The same rectangle in an image twice as wide: other percent, the same corners.
    wide = result("cat", 37.679 / 2, 11.340, 20, 20, rotation=30)
    wide |= {"original_width": 20, "original_height": 10}
    dataset = read(write(tmp_path / "wide.json", [task("a.png", wide)]))
    corners = pixel_corners(dataset, np.array([0]), 20, 10)
    assert corners is not None
    np.testing.assert_allclose(corners[0], POINTS, atol=1e-3)
    del wide["original_width"]
    unsized = read(write(tmp_path / "unsized.json", [task("a.png", wide)]))
    assert reason_of(unsized.faults[0]) == "turned box in an image of unknown size"


@pytest.mark.parametrize("kind", ["rotation", "oriented_rectangle"])
def test_labelme_and_x_anylabeling(tmp_path: Path, kind: str) -> None:
    turned = shape("cat", *POINTS, shape_type=kind, direction=0.5236)
    file = labelme("0.png", turned, imageWidth=10, imageHeight=10)
    require_rectangle(read(write_source(tmp_path, {"0.json": file}, "0.json")))


def robndbox(*values: object) -> str:
    """An object as roLabelImg and labelImg2 write a turned one."""
    sides = "".join(
        f"<{key}>{value}</{key}>"
        for key, value in zip(("cx", "cy", "w", "h", "angle"), values, strict=True)
    )
    kind = "<type>robndbox</type><name>cat</name><difficult>0</difficult>"
    return f"<object>{kind}<robndbox>{sides}</robndbox></object>"


def test_rolabelimg_whose_turned_boxes_count_from_edges(tmp_path: Path) -> None:
    size = "<size><width>10</width><height>10</height></size>"
    file = voc("0.png", robndbox(5, 3, 4, 2, 0.5236), voc_object("cat", 1, 2, 7, 8), size=size)
    dataset = read(write_source(tmp_path, {"0.xml": file}))
    require_rectangle(dataset)
    assert dataset.boxes[1].tolist() == [0, 1, 7, 8]  # as VOC has it, whatever lies beside
    over = voc("0.png", robndbox(0, 3, 4, 2, 3.0), voc_object("cat", 1, 2, 7, 8), size=size)
    beside = read(write_source(tmp_path / "over", {"0.xml": over}))
    assert beside.boxes[1].tolist() == [0, 1, 7, 8] and beside.boxes[0, 0] < 0


@pytest.mark.parametrize(
    ("angle", "reasons"),
    {
        90: ["turned box whose angle is not in radians"] * 2,
        "nan": ["turned box whose angle is not in radians"] * 2,
        "x": ["box does not have four numbers", ""],
        6.2: ["", ""],
    }.items(),
)
def test_degrees_of_labelimg2_are_no_radians(
    tmp_path: Path, angle: object, reasons: list[str]
) -> None:
    objects = robndbox(5, 3, 4, 2, angle), robndbox(5, 3, 4, 2, 1), voc_object("cat", 1, 2, 7, 8)
    dataset = read(write_source(tmp_path, {"0.xml": voc("0.png", *objects)}))
    assert [reason_of(code) for code in dataset.faults] == [*reasons, ""]


@pytest.mark.parametrize(
    ("record", "form"),
    [
        ({"bbox": CORNERS}, "auto"),
        ({"bbox": [5, 3, 4, 2, -30]}, "cxcywh-ccw-degrees"),
        ({"bbox": [1, 1, 2, 2], "boxmask": {"status": "ok", "turned_box": CORNERS}}, "auto"),
    ],
)
def test_evaluation_takes_the_bounds_of_turned_boxes(
    tmp_path: Path, record: dict[str, Any], form: BoxForm
) -> None:
    file = coco(annotation(**record), images=[image(**SIZE)])
    masks = read_masks(write(tmp_path / "boxes.json", file), bbox=form)
    np.testing.assert_allclose(masks.boxes[0], [2.7679, 1.1340, 7.2321, 4.8660], atol=1e-3)


def test_turned_boxes_and_upright_ones_stand_side_by_side(tmp_path: Path) -> None:
    upright = "1 1 4 1 4 3 1 3 ship 0"
    dataset = read(write_source(tmp_path, {"labelTxt/0.txt": f"{upright}\n{DOTA} 0\n"}))
    assert dataset.is_turned.tolist() == [False, True]
    assert dataset.boxes[0].tolist() == [1, 1, 4, 3]
    boxes, angles = frame_boxes(dataset, np.array([0, 1]), 10, 10)
    assert angles is not None and angles[0] == 0 and angles[1] > 0
    assert boxes[0].tolist() == [1, 1, 4, 3]
