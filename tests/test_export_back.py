"""Masks back into the format that their boxes came in: read again, and all else as it was."""

import base64
import gzip
import json
import os
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from annotation_files import annotate, make_job, output, photos
from export_files import rle
from PIL import Image
from source_files import (
    CVAT,
    LABEL_STUDIO,
    LABELME,
    YOLO,
    Files,
    cvat,
    cvat_box,
    cvat_photo,
    labelme,
    result,
    shape,
    task,
    write_source,
)

from boxmask.annotate.exports import finished_job
from boxmask.annotate.job import AnnotateJob
from boxmask.data import ReadOptions, read, segmentation
from boxmask.dataset import BoxDataset
from boxmask.errors import ConfigError
from boxmask.export import Exported, ExportOptions, exporter
from boxmask.rle import segmentation_runs

Bits = npt.NDArray[np.bool_]
WIDTH, HEIGHT = 40, 30
FRACTIONS = [[0.1, 0.1, 0.5, 0.5], [0.25, 0.2, 0.5, 0.7], [0.05, 0.1, 0.5, 0.7]]
FOUND = [
    {"category": "1", "conf": 0.5, "more": [1.50, {"a": None}], "bbox": box} for box in FRACTIONS
]
MEGADETECTOR: Files = {
    "results.json": json.dumps(
        {
            "info": {"detector": "x"},
            "detection_categories": {"1": "animal"},
            "images": [
                {"file": "0.png", "detections": FOUND[:2]},
                {"file": "none.png", "failure": "no image"},
                {"file": "1.png", "detections": FOUND[2:]},
            ],
        },
        indent=1,
    )
}
# By the option: the files of a dataset, and which of them is named ("" for the folder).
FORMATS: dict[str, tuple[Files, str]] = {
    "labelme": (LABELME, ""),
    "cvat": (CVAT, "annotations.xml"),
    "label_studio": (LABEL_STUDIO, "tasks.json"),
    "megadetector": (MEGADETECTOR, "results.json"),
}
each = pytest.mark.parametrize("option", FORMATS)


def job_of(folder: Path, option: str, files: Files | None = None, **options: object) -> AnnotateJob:
    """Make a job that puts the masks back, as runs unless the options say otherwise."""
    usual, name = FORMATS[option]
    boxes = write_source(folder / "source", files or usual, name)
    job = make_job(folder, boxes=boxes)
    (folder / "back").mkdir(exist_ok=True)
    place = folder / "back" / name if name else folder / "back"
    given = ExportOptions(**({"shapes": "masks"} | options))  # type: ignore[arg-type]
    return replace(job, exports={option: place}, export_options=given)


def masks_of(dataset: BoxDataset) -> list[Bits]:
    """Decode the masks of a dataset, row by row."""
    size = {"width": WIDTH, "height": HEIGHT}
    rows = np.flatnonzero(dataset.has_mask).tolist()
    found = (segmentation_runs(segmentation(dataset, row, (WIDTH, HEIGHT)), **size) for row in rows)
    return [(np.arange(len(runs)) % 2 == 1).repeat(runs).reshape(WIDTH, HEIGHT).T for runs in found]


def made_by(job: AnnotateJob) -> list[Bits]:
    """Decode the masks of an output."""
    return masks_of(read(job.out))


def put_back(job: AnnotateJob) -> Exported:
    """Run a job, put masks of several parts and holes into its output, and export that."""
    annotate(replace(job, exports={}, tolerance=None))
    rng, found = np.random.default_rng(3), output(job)
    for one in found["annotations"]:
        if one["boxmask"]["status"] == "ok":
            bits = np.kron(rng.random((6, 8)) < 0.5, np.ones((5, 5))) > 0
            bits[::5, ::5] = False  # so that no part is an upright box
            one["segmentation"] = rle(bits)
    job.out.write_text(json.dumps(found))
    ((option, place),) = job.exports.items()
    dataset = read(job.boxes, ReadOptions(images=photos(job)))
    return exporter(option).write(finished_job(job, dataset), place)


@each
def test_masks_are_read_again_pixel_by_pixel(tmp_path: Path, option: str) -> None:
    job = job_of(tmp_path, option)
    put_back(job)
    made = made_by(job)
    again = read(job.exports[option], ReadOptions(images=photos(job)))
    assert not again.faults[again.has_mask].any()
    found = masks_of(again)
    assert all((one == other).all() for one, other in zip(made, found, strict=True))
    ends = [(np.argwhere(mask).min(0), np.argwhere(mask).max(0) + 1) for mask in made]
    tight = [[*low[::-1], *high[::-1]] for low, high in ends]
    if option != "megadetector":
        np.testing.assert_allclose(again.boxes[again.has_mask], tight, atol=1e-3)


@each
def test_what_is_read_again_counts_as_masks_and_is_kept(tmp_path: Path, option: str) -> None:
    job = job_of(tmp_path, option)
    annotate(job)
    again = replace(job, boxes=job.exports[option], out=tmp_path / "again.json", exports={})
    statuses = annotate(again).tally.statuses
    assert statuses["kept"] == 3 and statuses["skipped"] == 0
    assert statuses["ok"] == (3 if option == "label_studio" else 0)  # its boxes are still there


@each
def test_the_source_is_not_touched_and_a_second_run_writes_nothing(
    tmp_path: Path, option: str
) -> None:
    job = job_of(tmp_path, option)
    source = tmp_path / "source"
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    assert not annotate(job).already_done
    assert {path: path.read_bytes() for path in before} == before
    assert annotate(job).already_done
    other = replace(job, export_options=replace(job.export_options, shapes="polygons"))
    assert annotate(other).already_done == (option == "megadetector")


@each
def test_it_is_refused_for_boxes_of_another_format_before_any_mask(
    tmp_path: Path, option: str
) -> None:
    boxes = write_source(tmp_path / "source", YOLO)
    job = make_job(tmp_path, boxes=boxes, exports={option: tmp_path / "back"})
    with pytest.raises(ConfigError, match=r"source: YOLO, but --.* puts masks back into .*COCO"):
        annotate(job)
    assert not job.out.exists() and not (tmp_path / "back").exists()


def test_the_option_that_fits_is_named(tmp_path: Path) -> None:
    job = job_of(tmp_path, "cvat")
    with pytest.raises(ConfigError, match="for these boxes there is --cvat"):
        annotate(replace(job, exports={"labelme": tmp_path / "back"}))


@each
def test_it_is_not_written_over_what_it_was_read_from(tmp_path: Path, option: str) -> None:
    job = job_of(tmp_path, option)
    with pytest.raises(ConfigError, match="would write over this file, which is read"):
        annotate(replace(job, exports={option: job.boxes}, fresh=True))


def test_a_folder_that_cannot_be_written_in_is_refused_before_any_mask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(tmp_path, "labelme")
    below = replace(job, exports={"labelme": photos(job) / "0.png" / "x"})
    with pytest.raises(ConfigError, match=r"0.png: a file; --labelme cannot be below it"):
        annotate(below)
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    closed = replace(job, exports={"labelme": tmp_path / "x" / "y"})
    with pytest.raises(ConfigError, match="a folder that cannot be written in; give another"):
        annotate(closed)
    assert not job.out.exists()


def test_all_but_the_boxes_stays_byte_for_byte_in_cvat(tmp_path: Path) -> None:
    other = '<polyline label="x" points="1,2;3,4"/>\n<tag label="night"></tag>'
    photo = cvat_photo("0.png", cvat_box("cat", 4, 3, 24, 18, more=" z_order='2'"), other)
    text = cvat(photo, cvat_photo("1.png")).replace("\n", "\r\n")
    job = job_of(tmp_path, "cvat", {"annotations.xml": text})
    annotate(job)
    written = job.exports["cvat"].read_bytes().decode()
    (mask,) = re.findall("<mask.*?</mask>", written, flags=re.DOTALL)
    (box,) = re.findall("<box.*?</box>", text, flags=re.DOTALL)
    assert written.replace(mask, box) == text
    assert mask.startswith('<mask label="cat" occluded="0" z_order=\'2\' rle="')
    assert '<attribute name="age">old</attribute>' in mask


def test_polygons_in_several_parts_have_a_group(tmp_path: Path) -> None:
    boxes = [cvat_box("cat", 4, 3, 24, 18, more=' group_id="0"'), cvat_box("dog", 0, 0, 40, 30)]
    more = cvat_box("owl", 9, 9, 30, 28, more=' group_id="6"')
    photo = cvat_photo("0.png", *boxes, more)
    files = {"annotations.xml": cvat(photo)}
    job = job_of(tmp_path, "cvat", files, shapes="polygons")
    notes = put_back(job).notes
    assert notes["objects in several polygons"] == 3
    assert 0 < notes["lowest IoU of the polygons"] <= notes["mean IoU of the polygons"] < 1
    written = job.exports["cvat"].read_text()
    found = re.findall(r'<polygon label="(\w+)".*?group_id="(\d+)"', written)
    assert len(found) == len(re.findall("<polygon", written)) > 3
    assert set(found) == {("cat", "7"), ("dog", "8"), ("owl", "6")}
    again = read(job.exports["cvat"])
    assert again.has_mask.all() and len(again.boxes) == len(found)


def test_labelme_files_keep_all_else_and_find_their_photo(tmp_path: Path) -> None:
    given = shape("cat", [24, 18], [4, 3], group_id=None, flags={"old": True}, mine=1.50)
    text = labelme("../images/0.png", given, shape("x", [1, 2], shape_type="point"), more=[1])
    files = {"a b/ü.json": json.dumps(json.loads(text) | {"imageData": None}, indent=2)}
    job = job_of(tmp_path, "labelme", files)
    annotate(job)
    copy = tmp_path / "back" / "a b" / "ü.json"
    before, after = json.loads(files["a b/ü.json"]), json.loads(copy.read_text())
    assert (copy.parent / after["imagePath"]).samefile(job.images / "0.png")
    (cat, point), (mask, same) = before.pop("shapes"), after.pop("shapes")
    assert point == same
    assert before | {"imagePath": ""} == after | {"imagePath": ""}
    made = {"points", "shape_type", "mask", "predicted_iou"}
    assert {key: mask[key] for key in mask.keys() - made} == {
        key: cat[key] for key in cat.keys() - made
    }
    (x0, y0), (x1, y1) = mask["points"]
    with Image.open(BytesIO(base64.b64decode(mask["mask"]))) as png:
        bits = np.asarray(png)
    whole = np.zeros((HEIGHT, WIDTH), np.bool_)
    whole[y0 : y1 + 1, x0 : x1 + 1] = bits
    assert (whole == made_by(job)[0]).all()


def test_labelme_has_polygons_by_default_with_a_group_for_parts(tmp_path: Path) -> None:
    given = [shape("cat", [24, 18], [4, 3], group_id=4), shape("dog", [0, 0], [40, 30])]
    job = job_of(tmp_path, "labelme", {"0.json": labelme("0.png", *given)}, shapes="auto")
    put_back(replace(job, tolerance=0.5))
    shapes = json.loads((tmp_path / "back" / "0.json").read_text())["shapes"]
    assert {one["shape_type"] for one in shapes} == {"polygon"}
    assert {(one["label"], one["group_id"]) for one in shapes} == {("cat", 4), ("dog", 5)}
    assert not [one for one in shapes if "mask" in one]
    again = read(tmp_path / "back")
    assert again.has_mask.all()
    drawn = masks_of(again)
    cats = [mask for one, mask in zip(shapes, drawn, strict=True) if one["label"] == "cat"]
    true, found = made_by(job)[0], np.any(cats, axis=0)
    assert (true & found).sum() > 0.85 * (true | found).sum()


def test_a_labelme_file_that_cannot_be_read_is_left_out_and_counted(tmp_path: Path) -> None:
    job = job_of(tmp_path, "labelme", {**LABELME, "2.json": '{"shapes": 1'})
    notes = annotate(job).export_notes["labelme"]
    assert notes["files that cannot be read, left out"] == 1
    assert sorted(path.name for path in (tmp_path / "back").iterdir()) == ["0.json", "1.json"]


def test_a_label_studio_task_has_one_prediction_more(tmp_path: Path) -> None:
    box = result("cat", 10, 10, 50, 50, from_name="no") | {"from_name": "box", "to_name": "photo"}
    tasks = [
        task("0.png", box, predictions=[{"score": 0.25, "result": []}]),
        task("1.png", box, predictions=None),
        task("2.png", box),
        task("3.png"),
    ]
    text = json.dumps(tasks, indent=2)
    job = job_of(tmp_path, "label_studio", {"tasks.json": text})
    annotate(job)
    written = json.loads(job.exports["label_studio"].read_text())
    predictions = [one.pop("predictions", None) for one in written]
    assert [len(one) if one else 0 for one in predictions] == [2, 1, 1, 0]
    given = json.loads(text)
    assert written == [{k: v for k, v in one.items() if k != "predictions"} for one in given]
    (made,) = predictions[2]
    (brush,) = made["result"]
    assert made["model_version"].startswith("boxmask ")
    assert (
        made["score"] == brush["score"] == output(job)["annotations"][2]["boxmask"]["predicted_iou"]
    )
    assert (brush["type"], brush["from_name"], brush["to_name"]) == ("brushlabels", "box", "photo")
    assert (brush["original_width"], brush["original_height"]) == (WIDTH, HEIGHT)
    assert brush["value"]["brushlabels"] == ["cat"]


def test_the_control_of_label_studio_is_that_of_masks_or_the_one_that_is_named(
    tmp_path: Path,
) -> None:
    drawn = {"type": "polygonlabels", "from_name": "outline", "value": {"polygonlabels": ["x"]}}
    tasks = [task("0.png", result("cat", 10, 10, 50, 50)), task("1.png", drawn)]
    files = {"tasks.json": json.dumps(tasks)}
    for folder, options, control in (
        ("a", {"shapes": "polygons"}, "outline"),
        ("b", {"shapes": "masks"}, "label"),
        ("c", {"shapes": "masks", "control": "brush"}, "brush"),
    ):
        job = job_of(tmp_path / folder, "label_studio", files, **options)
        notes = annotate(job).export_notes["label_studio"]
        written = json.loads(job.exports["label_studio"].read_text())
        results = written[0]["predictions"][0]["result"]
        assert {one["from_name"] for one in results} == {control}
        assert ("masks under the name of the boxes' control" in notes) == (control == "label")
        points = results[0]["value"].get("points", [[0, 0]])
        assert np.min(points) >= 0 and np.max(points) <= 100


def test_detections_keep_what_they_have(tmp_path: Path) -> None:
    job = job_of(tmp_path, "megadetector")
    annotate(job)
    text = job.exports["megadetector"].read_text()
    written = json.loads(text)
    detections = [one for image in written["images"] for one in image.get("detections", [])]
    made = [(one.pop("segmentation"), one.pop("predicted_iou")) for one in detections]
    assert written == json.loads(MEGADETECTOR["results.json"])
    rows = output(job)["annotations"]
    assert made == [(row["segmentation"], row["boxmask"]["predicted_iou"]) for row in rows]
    assert '"more":[' in text.replace(" ", "") and "1.5," in text


def test_boxes_without_a_new_mask_stay_and_are_counted(tmp_path: Path) -> None:
    other = '<ellipse label="cat" cx="9" cy="9" rx="4" ry="3"/>'
    turned = cvat_box("dog", 10, 6, 30, 27, more=' rotation="30.5"')
    drawn = '<polygon label="cat" points="4,3;24,3;14,18"/>'
    photo = cvat_photo("0.png", other, drawn, turned)
    job = job_of(tmp_path, "cvat", {"annotations.xml": cvat(photo)})
    notes = annotate(job).export_notes["cvat"]
    assert notes["boxes and masks left as they are"] == 2
    written = job.exports["cvat"].read_text()
    assert other in written and drawn in written
    assert written.count("<mask") == 1 and "rotation" not in written


def test_a_compressed_input_and_output(tmp_path: Path) -> None:
    job = job_of(tmp_path, "megadetector")
    packed = tmp_path / "results.json.gz"
    packed.write_bytes(gzip.compress(job.boxes.read_bytes()))
    place = tmp_path / "masks.json.gz"
    annotate(replace(job, boxes=packed, exports={"megadetector": place}))
    assert b'"segmentation"' in gzip.decompress(place.read_bytes())
