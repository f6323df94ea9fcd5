"""AP of detections: pycocotools' own figures for masks and boxes, whatever ids a detector gives."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotation_files import write_photo
from detection_files import write_detector
from evaluation_files import Json, annotation, form, rectangle, write
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from typer.testing import CliRunner

from boxmask.cli import app
from boxmask.errors import ConfigError, InputError
from boxmask.evaluate.detections import DetectionReport, evaluate_detections
from boxmask.evaluate.job import EvaluateJob, no_progress

NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl")


def detections(seed: int) -> tuple[Json, Json]:
    """True masks, some of them crowds, and detections: moved, doubled, wrong and missing ones."""
    random = np.random.default_rng(seed)
    true: list[Json] = []
    found: list[Json] = []

    def detect(bits: Any, where: Json) -> None:
        one = annotation(len(found) + 1, bits, **where, score=round(float(random.random()), 3))
        one["bbox"] = [side + float(random.normal(0, 0.7)) for side in one["bbox"]]
        found.append(one)

    for image in range(1, 13):
        for _ in range(int(random.integers(1, 7))):
            x, y = (int(v) for v in random.integers(0, 40, 2))
            w, h = (int(v) for v in random.integers(2, 40, 2))
            where: Json = {"image_id": image, "category_id": int(random.integers(1, 5))}
            crowd = int(random.random() < 0.1)
            true.append(annotation(len(true) + 1, rectangle(x, y, w, h), **where, iscrowd=crowd))
            for _ in range(int(random.integers(0, 3))):
                dx, dy = (int(v) for v in random.integers(-3, 4, 2))
                detect(rectangle(max(0, x + dx), max(0, y + dy), w, h), where)
        detect(rectangle(3, 4, 15, 20), {"image_id": image, "category_id": 1})
    return form(true), form(found)


def reference(true: Path, found: Json, categories: list[int], kind: str) -> list[float]:
    """Run stock pycocotools as everyone does."""
    keys = ["image_id", "category_id", "score", "bbox" if kind == "bbox" else "segmentation"]
    results = [{key: one[key] for key in keys} for one in found["annotations"]]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(true))
        stock = COCOeval(truth, truth.loadRes(results), kind)
        stock.params.catIds = categories
        stock.evaluate()
        stock.accumulate()
        stock.summarize()
    return list(stock.stats[:6])


def evaluated(folder: Path, true: Json, found: object, **job: Any) -> DetectionReport:
    paths = write(folder, "true.json", true), write(folder, "found.json", found)
    return evaluate_detections(EvaluateJob(paths[0], (paths[1],), **job), no_progress)


@pytest.mark.parametrize("seed", range(4))
def test_ap_of_masks_and_boxes_is_that_of_pycocotools_to_the_last_digit(
    tmp_path: Path, seed: int
) -> None:
    true, found = detections(seed)
    (system,) = evaluated(tmp_path, true, found, seen="class 1,class 3").systems
    splits = {"overall": [1, 2, 3, 4], "seen": [1, 3], "unseen": [2, 4]}
    for split, categories in splits.items():
        for what, kind in (("masks", "segm"), ("boxes", "bbox")):
            expected = reference(tmp_path / "true.json", found, categories, kind)
            ap = system.splits[split][what]
            assert [-1.0 if np.isnan(ap[name]) else ap[name] for name in NAMES] == expected
    assert system.ap_ranked_by == "score"
    assert system.splits["overall"]["masks"] != system.splits["overall"]["boxes"]


def test_other_ids_of_images_and_classes_are_found_by_their_names(tmp_path: Path) -> None:
    true, found = detections(2)
    expected = str(evaluated(tmp_path, true, found).systems[0].splits)
    for key in ("image", "category"):
        for record in (*found["annotations"], *found["images" if key == "image" else "categories"]):
            name = f"{key}_id" if f"{key}_id" in record else "id"
            record[name] = 1000 - record[name]
    # Among equal scores the order of the images decides, and scores here differ.
    assert str(evaluated(tmp_path, true, found).systems[0].splits) == expected


def test_boxes_alone_have_an_ap_of_boxes_alone(tmp_path: Path) -> None:
    true, found = detections(1)
    both = evaluated(tmp_path, true, found).systems[0].splits["overall"]
    for record in found["annotations"]:
        del record["segmentation"]
    alone = evaluated(tmp_path, true, found).systems[0].splits["overall"]
    assert str(alone["boxes"]) == str(both["boxes"])
    assert alone["masks"]["AP"] == 0


def test_score_times_iou_may_rank_masks_otherwise(tmp_path: Path) -> None:
    true = form([annotation(1)])
    mark = {"status": "ok", "predicted_iou": 0.2}
    wrong = annotation(1, rectangle(40, 20, 20, 20), score=0.9, boxmask=mark)
    right = annotation(2, score=0.5, boxmask=mark | {"predicted_iou": 0.9})
    plain, rescored = evaluated(tmp_path, true, form([wrong, right])).systems
    assert rescored.name == "found.json, score x IoU"
    assert plain.splits["overall"]["masks"]["AP"] == pytest.approx(0.5)
    assert rescored.splits["overall"]["masks"]["AP"] == pytest.approx(1)


def test_a_class_that_the_truth_lacks_is_nobody_elses(tmp_path: Path) -> None:
    true = form([annotation(1)])
    found = form([annotation(1, score=0.5), annotation(2, category_id=9, score=0.9)])
    found["categories"] = [{"id": 1, "name": "another"}, {"id": 9, "name": "class 1"}]
    ap = evaluated(tmp_path, true, found).systems[0].splits["overall"]["boxes"]["AP"]
    assert ap == pytest.approx(1)  # the second is the true class, the first is of none


def test_detections_of_other_images_are_an_error(tmp_path: Path) -> None:
    found = form([annotation(1, image_id=7, score=0.5)])
    with pytest.raises(InputError, match="none of its images is one of"):
        evaluated(tmp_path, form([annotation(1)]), found)
    with pytest.raises(ConfigError, match="leave them out with --detections"):
        evaluated(tmp_path, form([annotation(1)]), found, baselines=("box",))


def test_detections_of_other_classes_are_an_error(tmp_path: Path) -> None:
    found = form([annotation(1, category_id=9, score=0.5)])
    found["categories"] = [{"id": 9, "name": "bear"}]
    with pytest.raises(InputError, match=r"by name or by id: it has bear; that has class 1\."):
        evaluated(tmp_path, form([annotation(1)]), found)
    with pytest.raises(InputError, match="it has 9; that has class 1"):
        evaluated(tmp_path, form([annotation(1)]), found["annotations"])
    found["categories"].append({"id": 1, "name": "class 1"})  # of which nothing was found
    assert evaluated(tmp_path, form([annotation(1)]), found).systems[0].detections == 1


def test_two_files_of_one_name_are_two_systems(tmp_path: Path) -> None:
    true = write(tmp_path, "true.json", form([annotation(1)]))
    (tmp_path / "more").mkdir()
    found = [
        write(folder, "a.json", form([annotation(1)])) for folder in (tmp_path, tmp_path / "more")
    ]
    report = evaluate_detections(EvaluateJob(true, (found[0],), against=(found[1],)), no_progress)
    assert [one.name for one in report.systems] == [str(path) for path in found]


def test_what_a_network_cannot_look_at_is_said(tmp_path: Path) -> None:
    true = form([annotation(image, image_id=image) for image in (0, 1, 2)])
    true["categories"][0]["name"] = "cat"
    path, weights = write(tmp_path, "true.json", true), write_detector(tmp_path)
    words = ["eval", str(path), "--detections", "--weights", str(weights), "--device", "cpu"]
    words += ["--images", str(tmp_path / "photos"), "--threads", "1"]
    write_photo(tmp_path / "photos" / "0.jpg", size=(80, 60))
    few = CliRunner().invoke(app, words)
    assert few.exit_code == 1
    assert "2 of 3 photographs cannot be used: image missing, as 1.jpg. Do the" in few.stderr
    write_photo(tmp_path / "photos" / "1.jpg", size=(80, 60))
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "1 of 3 images could not be used: image missing, as 2.jpg" in done.stdout
    del true["categories"]
    write(tmp_path, "true.json", true)
    assert 'true.json: there is no "categories"' in CliRunner().invoke(app, words).stderr
    write(tmp_path, "true.json", true | {"categories": [{"id": 1, "name": "cow"}]})
    said = CliRunner().invoke(app, words).stderr
    assert (
        f"{path}: none of its categories is one that {weights} finds: that finds cat, dog" in said
    )


def test_a_network_is_scored_on_its_own_boxes_and_on_the_true_ones(tmp_path: Path) -> None:
    for seed in range(2):
        write_photo(tmp_path / "photos" / f"{seed}.jpg", seed=seed, size=(80, 60))
    true = form([annotation(k, rectangle(8 * k, 6, 20, 20), image_id=k % 2) for k in (1, 2, 3)])
    true["categories"][0]["name"] = "cat"
    path, weights = write(tmp_path, "true.json", true), write_detector(tmp_path)
    words = ["eval", str(path), "--detections", "--weights", str(weights), "--device", "cpu"]
    words += ["--images", str(tmp_path / "photos"), "--threads", "1"]
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    own, rescored, given = json.loads(done.stdout)["systems"]
    names = ["detector", "detector, score x IoU", "detector, true boxes"]
    assert [own["name"], rescored["name"], given["name"]] == names
    assert own["detections"] > 3 == given["detections"]
    assert given["splits"]["overall"]["boxes"]["AP"] == pytest.approx(1)
    shown = CliRunner().invoke(app, words)
    assert {"detector,", "detector", "boxes"} <= set(shown.stdout.split())  # wraps
    assert "score*IoU" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    page = CliRunner().invoke(app, [*words, "--page", str(tmp_path / "page.html")])
    assert page.exit_code == 2
