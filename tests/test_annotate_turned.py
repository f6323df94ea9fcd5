"""Turned boxes from a file to its output, to its exports and through check."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from annotation_files import (
    HEIGHT,
    WIDTH,
    Json,
    annotate,
    boxes_of,
    make_job,
    output,
    photos,
    window_job,
)
from pycocotools import mask as coco_mask
from source_files import write_source

import boxmask
from boxmask.annotate.job import AnnotateJob
from boxmask.check import CheckReport, check
from boxmask.data import ReadOptions, frame_boxes, read
from boxmask.turned import corners_of, to_frame

# pycocotools.mask.decode of 2.0.11 under numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TURNED = [3.0, 12.0, 25.0, 4.0, 28.0, 12.0, 6.0, 20.0]
OTHER = {"bbox": [12, 8, 20, 9], "attributes": {"occluded": False, "rotation": 340.0}}


def mixed() -> Json:
    """Two photos: in the first an upright box, one of eight numbers and one turned as by CVAT."""
    data = boxes_of(2, 2)
    first, second, third, last = data["annotations"]
    first |= {"image_id": 0, "bbox": [5, 4, 20, 20]}
    second |= {"image_id": 0, "bbox": TURNED}
    third |= {"image_id": 0} | OTHER
    last |= {"image_id": 1}
    return data


def checked(job: AnnotateJob) -> CheckReport:
    return check(read(job.boxes, ReadOptions(images=photos(job), bbox=job.reading.bbox)), job.out)


def bits_of(record: Json) -> npt.NDArray[np.bool_]:
    return np.asarray(coco_mask.decode(record["segmentation"]), np.bool_)


def require_inside(job: AnnotateJob, data: Json) -> None:
    """Require that every mask of a turned box touches no pixel whose middle is outside it."""
    dataset = read(job.boxes, ReadOptions(images=photos(job)))
    for row in np.flatnonzero(dataset.is_turned).tolist():
        boxes, angles = frame_boxes(dataset, np.array([row]), WIDTH, HEIGHT)
        assert angles is not None
        y, x = np.nonzero(bits_of(data["annotations"][row]))
        within = to_frame(np.stack([x, y], axis=1).astype(np.float64) + 0.5, angles[0])
        assert len(within) > 5
        assert (within > boxes[0, :2] - 1e-6).all() and (within < boxes[0, 2:] + 1e-6).all()


def test_turned_boxes_are_masked_and_all_is_kept(tmp_path: Path) -> None:
    job = window_job(tmp_path, mixed(), tightness=0.0)
    summary = annotate(job)
    assert summary.tally.statuses["ok"] == 4
    assert summary.tally.warnings["turned boxes"] == 2
    data = output(job)
    first, second, third, _ = data["annotations"]
    assert second["bbox"] == TURNED and third["bbox"] == OTHER["bbox"]
    assert second["boxmask"]["turned_box"] == TURNED
    assert len(third["boxmask"]["turned_box"]) == 8 and "turned_box" not in first["boxmask"]
    # The tight box stays upright.
    assert second["boxmask"]["box"] == coco_mask.toBbox(second["segmentation"]).tolist()
    require_inside(job, data)
    assert checked(job).holds


def test_upright_boxes_keep_their_bytes(tmp_path: Path) -> None:
    beside = window_job(tmp_path / "beside", mixed(), tightness=0.0, neighbours="off")
    annotate(beside)
    upright = mixed()
    del upright["annotations"][1:3]
    alone = window_job(tmp_path / "alone", upright, tightness=0.0, neighbours="off")
    annotate(alone)
    rows = output(beside)["annotations"]
    assert [rows[0], rows[3]] == output(alone)["annotations"]


def test_the_function_makes_the_masks_of_the_command(tmp_path: Path) -> None:
    job = window_job(tmp_path, mixed(), tightness=0.0)
    annotate(job)
    dataset = read(job.boxes, ReadOptions(images=photos(job)))
    boxes, angles = frame_boxes(dataset, np.arange(3), WIDTH, HEIGHT)
    assert angles is not None
    predict = boxmask.load(job.weights, device="cpu")
    found = predict(photos(job) / "0.png", corners_of(boxes, angles))
    assert found.rle == [one["segmentation"] for one in output(job)["annotations"][:3]]


def test_corners_that_are_no_exact_rectangle_hold(tmp_path: Path) -> None:
    data = mixed()
    data["annotations"][1]["bbox"] = [3, 12, 25, 4, 29, 13, 5, 23]
    data["annotations"][2] |= {"bbox": [8, 3, 30, 12, 27, 22, 3, 13], "attributes": {}}
    job = window_job(tmp_path, data, tightness=0.2)  # the mask fills what it may
    annotate(job)
    assert checked(job).holds
    dataset = read(job.boxes)
    corners = [one["boxmask"]["turned_box"] for one in output(job)["annotations"][1:3]]
    assert dataset.turned is not None
    np.testing.assert_allclose(np.array(corners).reshape(2, 4, 2), dataset.turned[1:3], atol=1e-4)


def test_a_folder_may_be_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = window_job(tmp_path, boxes_of(1, 1), tightness=0.0)
    line = " ".join(str(side) for side in TURNED)
    boxes = write_source(tmp_path / "dota", {"labelTxt/0.txt": f"{line} thing 0\n"})
    monkeypatch.chdir(boxes)
    here = AnnotateJob(
        boxes=Path(), images=job.images, out=job.out, weights=job.weights, tightness=0.0, threads=1
    )
    assert annotate(here).tally.statuses["ok"] == 1


def test_networks_without_window_masks_see_turned_boxes_too(tmp_path: Path) -> None:
    job = make_job(tmp_path, mixed())
    assert annotate(job).tally.statuses["ok"] == 4
    require_inside(job, output(job))
    assert checked(job).holds


def test_networks_that_see_whole_images_mask_the_bounds_cut_to_the_turned_boxes(
    tmp_path: Path,
) -> None:
    from annotation_files import write_weights

    weights = write_weights(tmp_path, family="deepmac", image_size=64)
    job = make_job(tmp_path / "turned", mixed(), weights=weights)
    assert annotate(job).tally.statuses["ok"] == 4
    assert checked(job).holds
    require_inside(job, output(job))
    dataset = read(job.boxes, ReadOptions(images=photos(job)))
    bounds = mixed()
    for row, (x0, y0, x1, y1) in zip((1, 2), dataset.boxes[1:3].tolist(), strict=True):
        bounds["annotations"][row] |= {"bbox": [x0, y0, x1 - x0, y1 - y0], "attributes": {}}
    upright = make_job(tmp_path / "upright", bounds, weights=weights)
    annotate(upright)
    cut, whole = output(job)["annotations"], output(upright)["annotations"]
    assert [cut[0], cut[3]] == [whole[0], whole[3]]
    boxes, angles = frame_boxes(dataset, np.arange(3), WIDTH, HEIGHT)
    assert angles is not None
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    middles = np.stack([x, y], axis=2)
    for row in (1, 2):
        within = to_frame(middles + 0.5, angles[row])
        inside = ((within > boxes[row, :2]) & (within < boxes[row, 2:])).all(axis=2)
        both = bits_of(whole[row]) & inside
        assert both.sum() > 20
        assert (both != bits_of(cut[row])).sum() <= 2  # a probability may round to the half


def test_a_tight_box_takes_the_place_of_a_turned_one_and_gives_it_back(tmp_path: Path) -> None:
    job = window_job(tmp_path / "a", mixed(), tightness=0.0, tighten=True)
    annotate(job)
    second = output(job)["annotations"][1]
    assert second["bbox"] == second["boxmask"]["box"] and len(second["bbox"]) == 4
    assert second["boxmask"]["given_box"] == TURNED == second["boxmask"]["turned_box"]
    assert checked(job).holds
    again = window_job(tmp_path / "b", output(job), tightness=0.0, overwrite=True)
    annotate(again)
    rows = output(again)["annotations"]
    assert rows[1]["bbox"] == TURNED and rows[2]["bbox"] == OTHER["bbox"]
    first = [one["segmentation"] for one in output(job)["annotations"]]
    assert [one["segmentation"] for one in rows] == first
    assert checked(again).holds


def test_loose_masks_and_polygons_hold(tmp_path: Path) -> None:
    for name, changes in (
        ("loose", {"tightness": 0.2}),
        ("edges", {"polygons": True}),
        ("few", {"polygons": True, "tolerance": 1.0}),
    ):
        job = window_job(tmp_path / name, mixed(), **({"tightness": 0.0} | changes))
        annotate(job)
        report = checked(job)
        assert report.holds, report


def test_fractions_of_yolo_obb_become_corners_in_pixels(tmp_path: Path) -> None:
    sides = [side / (HEIGHT if k % 2 else WIDTH) for k, side in enumerate(TURNED)]
    line = " ".join(f"{side:.8f}" for side in sides)
    boxes = write_source(tmp_path / "yolo", {"labels/0.txt": f"0 {line}\n"})
    job = window_job(tmp_path, boxes_of(1, 1), tightness=0.0)
    job = AnnotateJob(
        boxes=boxes, images=job.images, out=job.out, weights=job.weights, tightness=0.0, threads=1
    )
    annotate(job)
    (row,) = output(job)["annotations"]
    np.testing.assert_allclose(row["boxmask"]["turned_box"], TURNED, atol=1e-3)
    np.testing.assert_allclose(row["bbox"], [3, 4, 25, 16], atol=1e-3)
    assert check(read(boxes, ReadOptions(images=photos(job))), job.out).holds
    # Read again, the output has the same turned box.
    assert read(job.out).is_turned.all()


def test_exports_have_upright_boxes(tmp_path: Path) -> None:
    exports = {name: tmp_path / name for name in ("yolo", "training_copy", "results")}
    job = window_job(tmp_path, mixed(), tightness=0.0, exports=exports)
    annotate(job)
    copy = json.loads((tmp_path / "training_copy").read_text())["annotations"]
    tight = [one["boxmask"]["box"] for one in output(job)["annotations"]]
    assert copy[1]["bbox"] == tight[1] and copy[2]["bbox"] == tight[2]
    assert copy[0]["bbox"] == [5, 4, 20, 20]
    results = json.loads((tmp_path / "results").read_text())
    assert [one["bbox"] for one in results] == tight
    lines = (tmp_path / "yolo" / "labels" / "0.txt").read_text().splitlines()
    assert len(lines) == 3 and all(len(line.split()) > 6 for line in lines)


def test_check_tells_of_other_corners_and_of_masks_outside_them(tmp_path: Path) -> None:
    job = window_job(tmp_path, mixed(), tightness=0.0)
    annotate(job)
    whole = output(job)
    mark = whole["annotations"][1]["boxmask"]
    mark["turned_box"][0] = 4.0
    job.out.write_text(json.dumps(whole))
    assert not checked(job).holds
    mark["turned_box"][0] = 3.0
    job.out.write_text(json.dumps(whole))
    assert checked(job).holds
    bits = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    bits[5, 4] = bits[6, 4] = 1  # inside the bounds of the turned box, and outside itself
    rle = coco_mask.encode(bits)
    whole["annotations"][1] |= {
        "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()},
        "area": 2,
        "boxmask": mark | {"box": [4, 5, 1, 2]},
    }
    job.out.write_text(json.dumps(whole))
    report = checked(job)
    assert not report.holds and "its mask leaves its turned box" in str(report.first)


def test_looseness_is_measured_on_upright_boxes(tmp_path: Path) -> None:
    from annotation_files import workload_of

    from boxmask.annotate.tightness import sample_workload
    from boxmask.mark import Status

    sample = sample_workload(workload_of(window_job(tmp_path, mixed())))
    assert np.flatnonzero(sample.status == Status.OK.code).tolist() == [0, 3]
