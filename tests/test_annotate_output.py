"""What annotate writes: masks, reasons, sizes and boxes, in the output and in its log."""

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from annotation_files import HEIGHT, WIDTH, Json, annotate, boxes_of, make_job, output
from defective_files import SEGMENTATIONS, as_text, make_defective_job, tight_box
from pycocotools import mask as coco_mask

from boxmask.annotate import encode
from boxmask.annotate.job import AnnotateJob
from boxmask.check import check
from boxmask.data import read
from boxmask.errors import ConfigError
from boxmask.models.prediction import MaskPrediction, to_numpy


@pytest.fixture(scope="module")
def defective(tmp_path_factory: pytest.TempPathFactory) -> AnnotateJob:
    return make_defective_job(tmp_path_factory.mktemp("defects"))


def skipped(job: AnnotateJob) -> str:
    """Annotate a file of one annotation and return the reason why it was skipped, "" if not."""
    annotate(job)
    (record,) = output(job)["annotations"]
    return str(record["boxmask"].get("reason", ""))


@pytest.mark.parametrize(
    ("image", "bbox", "detail"),
    [
        ("other size", "[0, 0, 1, 1]", r"the dataset says \d+ x \d+, the file holds \d+ x \d+"),
        ("missing", "[0, 0, 1, 1]", "there is no such file"),
        ("unsized", "[50, 0, 5.5, 5]", r"it spans 50, 0, 55\.5, 5, the image is 40 x 30"),
        ("nobody", "[0, 0, 1, 1]", 'image_id is "nobody"'),
        ("good", "[0, 0, -1.50, 1]", r"bbox is \[0, 0, -1\.50, 1\]"),
        ("good", "null", "bbox is null"),
        ("good", f'"{900 * "x"}"', f'bbox is "{199 * "x"}'),
    ],
)
def test_the_log_tells_what_was_found(
    defective: AnnotateJob, image: str, bbox: str, detail: str
) -> None:
    defective.boxes.write_text(as_text([[("image_id", f'"{image}"'), ("bbox", bbox)]]))
    assert skipped(defective)
    (line,) = defective.out.with_name("out.json.skipped.jsonl").read_text().splitlines()
    assert re.fullmatch(detail, json.loads(line)["detail"])


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("good", ""),
        ("unsized", ""),
        ("one pixel", ""),
        ("missing", "image missing"),
        ("cut", "image truncated or damaged"),
        ("text", "not an image"),
        ("other size", "size mismatch"),
        ("outside", "file name leaves the image folder"),
        ("nobody", "no image record"),
    ],
)
def test_an_image_that_cannot_be_used_skips_its_boxes(
    defective: AnnotateJob, image: str, reason: str
) -> None:
    defective.boxes.write_text(as_text([[("image_id", f'"{image}"'), ("bbox", "[0, 0, 1, 1]")]]))
    assert skipped(defective) == reason


@pytest.mark.parametrize(
    ("bbox", "area"),
    [
        ("[3.2, 4.7, 1e-6, 1e-6]", 1),
        ("[39.9, 29.9, 5, 5]", 1),
        ("[-4, -4, 4.01, 4.01]", 1),
        ("[0, 0, 1, 1]", 1),
    ],
)
def test_a_valid_box_however_small_has_a_mask(defective: AnnotateJob, bbox: str, area: int) -> None:
    defective.boxes.write_text(as_text([[("image_id", '"good"'), ("bbox", bbox)]]))
    annotate(defective)
    (record,) = output(defective)["annotations"]
    assert record["boxmask"]["status"] == "ok"
    assert record["area"] == area == coco_mask.area(record["segmentation"])


def test_a_box_outside_an_image_of_unknown_size_is_skipped(defective: AnnotateJob) -> None:
    defective.boxes.write_text(as_text([[("image_id", '"unsized"'), ("bbox", "[50, 0, 5, 5]")]]))
    assert skipped(defective) == "box is outside the image"


def test_a_measured_size_is_added_to_its_image(defective: AnnotateJob) -> None:
    defective.boxes.write_text(as_text([[("image_id", '"unsized"'), ("bbox", "[1, 1, 5, 5]")]]))
    annotate(defective)
    image = next(image for image in output(defective)["images"] if image["id"] == "unsized")
    assert (image["width"], image["height"]) == (WIDTH, HEIGHT)


def test_a_clipped_box_is_counted_and_keeps_its_bbox(defective: AnnotateJob) -> None:
    defective.boxes.write_text(as_text([[("image_id", '"good"'), ("bbox", "[-9, 1, 20.50, 99]")]]))
    assert annotate(defective).tally.clipped == 1
    assert '"bbox":[-9, 1, 20.50, 99]' in defective.out.read_text()


@pytest.mark.parametrize("overwrite", [False, True])
def test_masks_that_are_there_are_kept_unless_overwritten(
    defective: AnnotateJob, overwrite: bool
) -> None:
    record = [("image_id", '"good"'), ("bbox", "[1, 1, 9, 9]"), ("segmentation", SEGMENTATIONS[2])]
    defective.boxes.write_text(as_text([record, [*record, ("iscrowd", "1")]]))
    tally = annotate(replace(defective, overwrite=overwrite)).tally
    first, crowd = output(defective)["annotations"]
    assert (first["segmentation"] == [[1, 1, 9, 1, 9, 9.5]]) is not overwrite
    assert "boxmask" not in crowd and crowd["segmentation"] == [[1, 1, 9, 1, 9, 9.5]]
    assert (tally.statuses["kept"], tally.statuses["crowd"]) == (int(not overwrite), 1)


def test_polygons_cover_what_the_run_lengths_do(tmp_path: Path) -> None:
    job = make_job(tmp_path, boxes_of(2, 4))
    annotate(job)
    as_runs = output(job)["annotations"]
    annotate(replace(job, polygons=True, fresh=True))
    for runs, outlined in zip(as_runs, output(job)["annotations"], strict=True):
        parts = coco_mask.frPyObjects(outlined["segmentation"], HEIGHT, WIDTH)
        assert coco_mask.merge(parts)["counts"].decode() == runs["segmentation"]["counts"]
        assert outlined["area"] == runs["area"]


def discs(predicted: MaskPrediction) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """A disc in each box, in the place of what the network says."""
    masks, quality = to_numpy(predicted)
    y, x = np.mgrid[: masks.shape[1], : masks.shape[2]] - masks.shape[1] / 2 + 0.5
    disc = 1 / (1 + np.exp(np.hypot(x, y) - 0.4 * masks.shape[1]))
    return np.broadcast_to(disc.astype(np.float32), masks.shape), quality


def test_polygons_with_a_tolerance_have_few_vertices_and_say_what_they_lose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "to_numpy", discs)
    job = make_job(tmp_path, boxes_of(2, 4))
    annotate(job)
    as_runs = output(job)["annotations"]
    few = replace(job, polygons=True, tolerance=2.0, out=tmp_path / "few.json")
    tally, ious = annotate(few).tally, []
    for runs, outlined in zip(as_runs, output(few)["annotations"], strict=True):
        parts = coco_mask.merge(coco_mask.frPyObjects(outlined["segmentation"], HEIGHT, WIDTH))
        ious.append(float(coco_mask.iou([parts], [runs["segmentation"]], [0])[0, 0]))
        assert outlined["boxmask"]["outline_iou"] == round(ious[-1], 4)
        assert outlined["area"] == coco_mask.area(parts)
        assert outlined["boxmask"]["box"] == coco_mask.toBbox(parts).tolist()
    assert tally.outline_iou == pytest.approx(np.mean(ious), abs=1e-4)
    assert tally.lowest_outline_iou == round(min(ious), 4) < 1
    assert check(read(few.boxes), few.out).holds
    exact = replace(job, polygons=True, out=tmp_path / "exact.json")
    assert annotate(exact).tally.outline_iou is None
    assert len(few.out.read_text()) < len(exact.out.read_text())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tolerance": 1.0}, "--tolerance is about polygons; give --polygons"),
        ({"polygons": True, "tolerance": 0.0}, "--tolerance is 0; give pixels, more than 0"),
        ({"polygons": True, "tolerance": float("nan")}, "--tolerance is nan"),
        ({"polygons": True, "max_vertices": 9}, "--max-vertices is 9; .* --tolerance as well"),
        ({"polygons": True, "tolerance": 1.0, "max_vertices": 3}, "give 4 or more"),
    ],
)
def test_a_tolerance_that_makes_no_sense_is_refused(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        replace(make_job(tmp_path), **changes)


def test_a_name_in_gz_is_compressed_to_the_same_bytes_each_time(tmp_path: Path) -> None:
    plain = make_job(tmp_path)
    packed = replace(plain, out=tmp_path / "out.json.gz")
    annotate(plain)
    annotate(packed)
    first = packed.out.read_bytes()
    assert gzip.decompress(first) == plain.out.read_bytes()
    annotate(replace(packed, fresh=True))
    assert packed.out.read_bytes() == first


def detections(folder: Path) -> Json:
    found = [{"category": "1", "conf": conf, "bbox": [0.1, 0.2, 0.5, 0.5]} for conf in (0.9, 0.1)]
    return {
        "images": [
            {"file": "0.png", "detections": found, "max_detection_conf": 0.9},
            {"file": "1.png", "failure": "Failure image access", "detections": None},
        ],
        "detection_categories": {"1": "animal"},
        "info": {"format_version": "1.3"},
    }


def genome(folder: Path) -> Json | list[Json]:
    url = "https://cs.stanford.edu/people/rak248/0.png"
    sizes = [{"image_id": 5, "url": url, "width": WIDTH, "height": HEIGHT, "coco_id": None}]
    (folder / "image_data.json").write_text(json.dumps(sizes))
    thing = {"object_id": 3, "x": 2, "y": 3, "w": 20, "h": 9, "names": ["tree"]}
    objects = [thing | {"synsets": ["tree.n.01"]}, thing | {"object_id": 4, "synsets": []}]
    return [{"image_id": 5, "objects": objects, "image_url": url}]


@pytest.mark.parametrize("tighten", [False, True])
@pytest.mark.parametrize("form", [detections, genome])
def test_other_formats_become_coco(
    tmp_path: Path, form: Callable[[Path], Json | list[Json]], tighten: bool
) -> None:
    job = make_job(tmp_path, tighten=tighten)
    job.boxes.write_text(json.dumps(form(tmp_path)))
    tally = annotate(job).tally
    first, second = output(job)["annotations"]
    assert coco_mask.area(first["segmentation"]) == first["area"]
    assert first["boxmask"]["status"] == "ok"
    assert (second["boxmask"]["status"] == "ok") is (form is detections)
    note, given = first["boxmask"], [4, 6, 20, 15] if form is detections else [2, 3, 20, 9]
    assert note["box"] == tight_box(first["segmentation"])
    assert note.get("given_box") == (given if tighten else None)
    assert first["bbox"] == (note["box"] if tighten else given)
    assert tally.annotations == 2
    assert check(read(job.boxes), job.out).holds


def test_a_box_in_fractions_only_is_kept_as_the_pixels_that_it_would_have_been(
    defective: AnnotateJob,
) -> None:
    record = [("image_id", '"unsized"'), ("bbox_relative", "[0.25, 0.1, 0.50, 0.5]")]
    defective.boxes.write_text(as_text([record, [*record, ("bbox", "null")]]))
    annotate(replace(defective, tighten=True))
    fractions, null = output(defective)["annotations"]
    assert fractions["boxmask"]["given_box"] == [10, 3, 20, 15]
    assert null["boxmask"]["given_box"] is None
    for annotated in (fractions, null):
        assert annotated["bbox"] == annotated["boxmask"]["box"]
        assert annotated["bbox_relative"] == [0.25, 0.1, 0.5, 0.5]
    assert check(read(defective.boxes), defective.out).holds
