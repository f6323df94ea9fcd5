"""What is particular to each format that masks go back into."""

import base64
import gzip
import json
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from annotation_files import annotate, output
from back_files import HEIGHT, MEGADETECTOR, WIDTH, job_of, made_by, masks_of, put_back
from PIL import Image
from source_files import (
    LABELME,
    cvat,
    cvat_box,
    cvat_photo,
    labelme,
    result,
    shape,
    task,
)

from boxmask.data import read


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
