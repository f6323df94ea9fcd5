"""An output in which something is wrong with every annotation but one, as pycocotools uses it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from annotation_files import HEIGHT, WIDTH, Json, annotate, output, photos, write_photo
from defective_files import FILES, make_defective_job
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from boxmask.annotate.job import AnnotateJob
from boxmask.check import check
from boxmask.data import read

# pycocotools.mask.decode warns under recent versions of numpy.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

SOUND: Json = {"id": 1, "image_id": "good", "category_id": 1, "bbox": [3, 4, 20, 15], "iscrowd": 0}
ROUND = [[5, 5, 15, 5, 15, 15]]
FAULTS: dict[str, Callable[[Json], object]] = {
    "sound": lambda one: None,
    "no id": lambda one: one.pop("id"),
    "no image": lambda one: one.pop("image_id"),
    "null image": lambda one: one.update(image_id=None),
    "unknown image": lambda one: one.update(image_id="nobody"),
    "no category": lambda one: one.pop("category_id"),
    "no box": lambda one: one.pop("bbox"),
    "null box": lambda one: one.update(bbox=None),
    "box outside": lambda one: one.update(bbox=[400, 0, 9, 9]),
    "null area": lambda one: one.update(bbox=[400, 0, 9, 9], area=None),
    "own area": lambda one: one.update(bbox=[400, 0, 9, 9], area=81.5),
    "no crowd": lambda one: one.pop("iscrowd"),
    "empty segmentation": lambda one: one.update(image_id="missing", segmentation=[]),
    "null segmentation": lambda one: one.update(image_id="missing", segmentation=None),
    "a mask kept, no crowd": lambda one: (one.pop("iscrowd"), one.update(segmentation=ROUND)),
    "a mask kept, no id": lambda one: (one.pop("id"), one.update(segmentation=ROUND, area=50)),
    "a crowd": lambda one: one.update(
        iscrowd=1, area=9, segmentation={"size": [HEIGHT, WIDTH], "counts": [0, 9, 1191]}
    ),
}
NAMES = (*FAULTS, *(f"image {name}" for name in FILES))


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> AnnotateJob:
    """Annotate one box of every fault."""
    made = make_defective_job(tmp_path_factory.mktemp("faults"))
    annotations = []
    for number, harm in enumerate(FAULTS.values(), start=1):
        record = {**SOUND, "id": number}
        harm(record)
        annotations.append(record)
    for number, image in enumerate(FILES, start=100):
        annotations.append({**SOUND, "id": number, "image_id": image})
    images = [{"id": name, **file} for name, file in FILES.items()]
    data = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "it"}]}
    made.boxes.write_text(json.dumps(data))
    annotate(made)
    return made


def test_nothing_is_lost_and_what_has_no_mask_says_so_to_every_reader(job: AnnotateJob) -> None:
    report = check(read(job.boxes), job.out)
    assert report.holds, report.first
    assert report.statuses["skipped"] == sum(report.reasons.values()) >= 14
    for name, one in zip(NAMES, output(job)["annotations"], strict=True):
        skipped = one.get("boxmask", {}).get("status") == "skipped"
        image = FILES.get(one["image_id"], {})
        assert ("segmentation" in one) is (not skipped or "width" in image), name


def test_every_annotation_of_a_sized_image_is_decoded(job: AnnotateJob) -> None:
    coco = COCO(str(job.out))
    for name, one in zip(NAMES, coco.dataset["annotations"], strict=True):
        image = coco.imgs.get(one["image_id"], {})
        if "width" not in image:
            continue
        mask = coco.annToMask(one)
        assert mask.shape == (image["height"], image["width"]), name
        skipped = one.get("boxmask", {}).get("status") == "skipped"
        assert mask.any() != skipped, name


def test_annotations_are_chosen_by_area_crowd_and_category(job: AnnotateJob) -> None:
    coco = COCO(str(job.out))
    for one in coco.dataset["annotations"]:
        one.setdefault("area", 1)  # of masks that were there, and unsized images
    everything = len(NAMES)
    assert len(coco.getAnnIds(iscrowd=0)) == everything - 1
    assert len(coco.getAnnIds(catIds=[1])) == everything - 1
    assert len(coco.getAnnIds(areaRng=[0, 1e9])) < everything  # the empty masks have no area


def test_masks_are_taken_as_results_and_scored(job: AnnotateJob) -> None:
    coco = COCO(str(job.out))
    made = [
        {key: one[key] for key in ("image_id", "category_id", "segmentation")} | {"score": 0.5}
        for one in coco.dataset["annotations"]
        if one.get("boxmask", {}).get("status") == "ok" and one["category_id"]
    ]
    for one in coco.dataset["annotations"]:
        one.setdefault("area", 1)
    found = COCOeval(coco, coco.loadRes(made), "segm")
    found.params.imgIds = ["good", "one pixel"]
    found.evaluate()
    found.accumulate()
    found.summarize()
    assert 0 < found.stats[0] <= 1


def test_everything_is_drawn(job: AnnotateJob) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    coco = COCO(str(job.out))
    coco.showAnns([one for one in coco.dataset["annotations"] if "segmentation" in one])


def test_an_empty_mask_is_none_to_us(job: AnnotateJob, tmp_path: Any) -> None:
    again = replace(job, boxes=job.out, out=tmp_path / "again.json")
    before = read(job.out)
    assert before.has_mask.sum() == sum(
        one.get("boxmask", {}).get("status") != "skipped" for one in output(job)["annotations"]
    )
    write_photo(photos(job) / "missing.png")
    annotate(again)
    report = check(before, again.out)
    assert report.holds, report.first
    made = dict(zip(NAMES, output(again)["annotations"], strict=True))
    assert made["image missing"]["boxmask"]["status"] == "ok"
    assert made["empty segmentation"]["area"] > 0
