"""The copy for training and the results list, as pycocotools reads them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export_files import Bits, block, finished, finished_of
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from boxmask.dataset import BoxDataset
from boxmask.export import results, training_copy

# pycocotools.mask.decode of 2.0.11 under numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MASKS = [block(1, 1, 6, 6), None, block(5, 5, 9, 4) & ~block(7, 6, 2, 2), block(0, 0, 3, 3)]


def some(folder: Path) -> tuple[BoxDataset, Path]:
    """Two images; a mask made, a box skipped, a mask made, a mask that was there."""
    names = ["a/IMG_0.jpg", "b/IMG_0.jpg"]
    dataset, out = finished(folder, MASKS, images=names, image_index=[0, 0, 1, 1])
    data = json.loads(out.read_text())
    for row, iou in ((0, 0.9), (2, 0.5)):
        data["annotations"][row]["boxmask"] = {"status": "ok", "predicted_iou": iou}
    data["annotations"][1]["boxmask"] = {"status": "skipped", "reason": "image missing"}
    for annotation in data["annotations"]:
        annotation["bbox"] = [1, 1, 6.5, 6]
    out.write_text(json.dumps(data))
    return dataset, out


def copied(dataset: BoxDataset, out: Path, **options: Any) -> tuple[COCO, dict[str, float]]:
    place = out.with_name("copy.json")
    made = training_copy.write(finished_of(dataset, out, **options), place)
    return COCO(str(place)), dict(made.notes)


def masks_of(coco: COCO) -> list[Bits]:
    return [coco.annToMask(one).astype(np.bool_) for one in coco.dataset["annotations"]]


def test_the_copy_holds_the_masks_alone_and_pycocotools_reads_them(tmp_path: Path) -> None:
    coco, notes = copied(*some(tmp_path))
    expected = [mask for mask in MASKS if mask is not None]
    for found, mask in zip(masks_of(coco), expected, strict=True):
        assert np.array_equal(found, mask)
    assert notes["annotations left out, without a mask"] == 1
    assert [one["area"] for one in coco.dataset["annotations"]] == [36, 32, 9]
    assert [one["bbox"] for one in coco.dataset["annotations"]] == [[1, 1, 6.5, 6]] * 3


def test_ids_become_whole_numbers_and_the_old_ones_are_kept(tmp_path: Path) -> None:
    coco, _ = copied(*some(tmp_path))
    assert [(one["id"], one["boxmask"]["id"]) for one in coco.dataset["images"]] == [
        (1, "a/IMG_0.jpg"),
        (2, "b/IMG_0.jpg"),
    ]
    assert [one["image_id"] for one in coco.dataset["annotations"]] == [1, 2, 2]
    assert [one["id"] for one in coco.dataset["annotations"]] == [1, 3, 4]
    assert all("boxmask" not in one for one in coco.dataset["annotations"])
    assert [one["id"] for one in coco.dataset["categories"]] == [9, 8]


@pytest.mark.parametrize(
    ("ids", "least", "made"),
    [
        ([5, 3], 0, [5, 3]),
        ([0, 1], 0, [0, 1]),
        ([0, 1], 1, [1, 2]),
        ([3, 3], 0, [1, 2]),
        (["3", 4], 0, [1, 2]),
        ([True, 4], 0, [1, 2]),
        ([-1, 4], 0, [1, 2]),
        ([None], 0, [1]),
        ([], 0, []),
    ],
)
def test_ids_stay_where_all_are_different_whole_numbers(
    ids: list[Any], least: int, made: list[int]
) -> None:
    assert training_copy.integer_ids(ids, least=least) == made


def test_the_score_is_the_expected_iou_of_masks_that_were_made(tmp_path: Path) -> None:
    dataset, out = some(tmp_path)
    scored = replace(dataset, scores=np.array([0.5, 0.5, 0.25, 0.5], np.float32))
    first, second, kept = copied(scored, out)[0].dataset["annotations"]
    assert (first["score"], second["score"]) == (0.9, 0.5)
    assert second["attributes"] == {"predicted_iou": 0.5, "confidence": 0.25}
    assert "score" not in kept and "attributes" not in kept


def test_doubtful_masks_are_left_out_or_marked_as_crowds(tmp_path: Path) -> None:
    dataset, out = some(tmp_path)
    coco, notes = copied(dataset, out, min_quality=0.6)
    assert [one["id"] for one in coco.dataset["annotations"]] == [1, 4]
    assert notes["doubtful masks left out"] == 1
    coco, notes = copied(dataset, out, min_quality=0.6, doubtful_as_crowd=True)
    assert [one["iscrowd"] for one in coco.dataset["annotations"]] == [0, 1, 0]
    assert notes["doubtful masks marked as crowds"] == 1


def test_an_image_of_unknown_size_is_left_out(tmp_path: Path) -> None:
    dataset, out = some(tmp_path)
    unsized = replace(dataset, widths=np.array([30, 0], np.int32))
    data = json.loads(out.read_text())
    del data["images"][1]["width"]
    out.write_text(json.dumps(data))
    coco, notes = copied(unsized, out)
    assert [one["id"] for one in coco.dataset["images"]] == [1]
    assert len(coco.dataset["annotations"]) == 1
    assert notes["images left out, of no known size"] == 1


def test_the_results_score_full_marks_against_the_masks_themselves(tmp_path: Path) -> None:
    dataset, out = some(tmp_path)
    dataset = replace(dataset, image_ids=[1, 2])
    truth, _ = copied(dataset, out)
    made = results.write(finished_of(dataset, out), tmp_path / "results.json")
    listed = json.loads((tmp_path / "results.json").read_text())
    assert [one["score"] for one in listed] == [0.9, 0.5, 1.0]
    assert made.notes["annotations left out, without a mask"] == 1
    scored = COCOeval(truth, truth.loadRes(str(tmp_path / "results.json")), "segm")
    scored.evaluate()
    scored.accumulate()
    scored.summarize()
    assert scored.stats[0] == 1


def test_the_confidence_of_a_detector_counts_in_the_score(tmp_path: Path) -> None:
    dataset, out = some(tmp_path)
    scored = replace(dataset, scores=np.array([0.5, 1, 0.25, 0.5], np.float32))
    results.write(finished_of(scored, out), tmp_path / "results.json")
    listed = json.loads((tmp_path / "results.json").read_text())
    assert [one["score"] for one in listed] == [0.45, 0.125, 0.5]
