"""Mask AP beside pycocotools on the same files, to the last digit."""

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from evaluation_files import Json, annotation, form, rectangle, scene, write
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.run import evaluate

NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl")


def reference(true: Path, predicted: Json, categories: list[int]) -> list[float]:
    """Run stock pycocotools as everyone does."""
    results = [
        {key: a[key] for key in ("image_id", "category_id", "segmentation")}
        | {"score": a["boxmask"]["predicted_iou"]}
        for a in predicted["annotations"]
        if not a["iscrowd"]
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(true))
        stock = COCOeval(truth, truth.loadRes(results), "segm")
        stock.params.catIds = categories
        stock.evaluate()
        stock.accumulate()
        stock.summarize()
    return list(stock.stats[:6])


def found(folder: Path, true: Json, predicted: object, **job: object) -> list[dict[str, float]]:
    """Return the AP figures of every split."""
    paths = write(folder, "true.json", true), write(folder, "pred.json", predicted)
    report = evaluate(EvaluateJob(paths[0], (paths[1],), **job)).report  # type: ignore[arg-type]
    return [split.ap for split in report.systems[0].splits.values()]


@pytest.mark.parametrize("seed", range(6))
def test_ap_is_that_of_pycocotools_to_the_last_digit(tmp_path: Path, seed: int) -> None:
    true, predicted = scene(seed)
    overall, seen, unseen = found(tmp_path, true, predicted, seen="1,3")
    for ap, classes in ((overall, [1, 2, 3, 4, 5]), (seen, [1, 3]), (unseen, [2, 4, 5])):
        expected = reference(tmp_path / "true.json", predicted, classes)
        known = [-1.0 if np.isnan(ap[name]) else ap[name] for name in NAMES]
        assert known == expected


def test_ids_that_pycocotools_cannot_take_change_nothing(tmp_path: Path) -> None:
    true, predicted = scene(3)
    expected = found(tmp_path, true, predicted)
    for content in (true, predicted):
        for record in content["annotations"]:
            record["id"] -= 1
            record["image_id"] = f"image {record['image_id']}"
            record["category_id"] = f"class {record['category_id']}"
        for name in ("image", "categorie"):
            for record in content[f"{name}s"]:
                record["id"] = f"{'image' if name == 'image' else 'class'} {record['id']}"
    # Texts cannot be put in the order of the numbers, so sums may differ in their last digit.
    for ap, before in zip(found(tmp_path, true, predicted), expected, strict=True):
        assert ap == pytest.approx(before, nan_ok=True)


def test_two_perfect_masks_with_ids_0_and_1_score_1(tmp_path: Path) -> None:
    both = [annotation(0), annotation(1, rectangle(50, 30, 20, 20))]
    assert found(tmp_path, form(both), form(both))[0]["AP"] == pytest.approx(1)


def test_a_results_list_ranks_by_its_own_scores(tmp_path: Path) -> None:
    true, predicted = scene(4)
    kept = [a for a in predicted["annotations"] if not a["iscrowd"]]
    listed = [
        {key: a[key] for key in ("id", "image_id", "category_id", "segmentation")}
        | {"score": a["boxmask"]["predicted_iou"]}
        for a in kept
    ]
    (ap,), (expected,) = found(tmp_path, true, listed), found(tmp_path, true, predicted)
    assert ap == pytest.approx(expected, nan_ok=True)


def test_a_split_with_nothing_to_find_has_no_ap(tmp_path: Path) -> None:
    true = form([annotation(1)])
    true["categories"].append({"id": 9, "name": "absent"})
    _, seen, unseen = found(tmp_path, true, true, seen="absent")
    assert np.isnan(list(seen.values())).all()
    assert unseen["AP"] == pytest.approx(1)
