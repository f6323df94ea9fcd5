"""The evaluation from end to end, beside a few independent lines."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from evaluation_files import annotation, form, rectangle, scene, write
from pycocotools import mask as coco

from boxmask.errors import ConfigError
from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.report import EvaluationReport, to_json
from boxmask.evaluate.run import evaluate


def report(folder: Path, true: object, *predicted: object, **job: object) -> EvaluationReport:
    truth = write(folder, "true.json", true)
    files = [write(folder, f"pred{i}.json", content) for i, content in enumerate(predicted)]
    return evaluate(EvaluateJob(truth, tuple(files), **job)).report  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
def test_means_agree_with_a_loop_over_pycocotools(tmp_path: Path, seed: int) -> None:
    true, predicted = scene(seed)
    by_class: dict[int, list[float]] = {}
    for one, other in zip(true["annotations"], predicted["annotations"], strict=True):
        if not one["iscrowd"]:
            iou = coco.iou([other["segmentation"]], [one["segmentation"]], [0])[0, 0]
            by_class.setdefault(one["category_id"], []).append(iou)
    means = {id: float(np.mean(ious)) for id, ious in by_class.items()}
    found = report(tmp_path, true, predicted, seen="1,2").systems[0]
    assert found.splits["overall"].iou.class_mean == pytest.approx(np.mean(list(means.values())))
    every = np.concatenate(list(by_class.values()))
    assert found.splits["overall"].iou.instance_mean == pytest.approx(every.mean())
    seen = np.mean([means[1], means[2]])
    unseen = np.mean([mean for id, mean in means.items() if id > 2])
    assert found.splits["seen"].iou.class_mean == pytest.approx(seen)
    assert found.gap is not None
    assert found.gap.class_mean == pytest.approx(seen - unseen)
    assert {c.id: c.iou for c in found.classes} == pytest.approx(means)


def test_the_interval_holds_the_mean_and_the_json_has_no_nan(tmp_path: Path) -> None:
    true, predicted = scene(1)
    found = report(tmp_path, true, predicted, seen="all")
    mean = found.systems[0].splits["overall"].iou
    assert mean.class_mean_95[0] < mean.class_mean < mean.class_mean_95[1]
    parsed = msgspec.json.decode(to_json(found))
    unseen = parsed["systems"][0]["splits"]["unseen"]
    assert parsed["splits"]["unseen"] == {"categories": 0, "instances": 0}
    assert unseen["iou"]["class_mean"] is None
    assert unseen["iou"]["class_mean_95"] == [None, None]
    assert unseen["calibration"] is None
    assert unseen["ap"]["AP"] is None


def test_missing_predictions_count_as_zero(tmp_path: Path) -> None:
    true = form([annotation(1), annotation(2)])
    found = report(tmp_path, true, form([annotation(2)])).systems[0]
    assert found.splits["overall"].iou.class_mean == 0.5
    assert found.missing == {"no annotation of this id": 1}
    assert found.missing_ids == [1]


def test_empty_masks_count_as_zero(tmp_path: Path) -> None:
    nothing = rectangle(0, 0, 0, 0)
    true = form([annotation(1), annotation(2, nothing)])
    predicted = form([annotation(1, nothing), annotation(2, nothing)])
    assert report(tmp_path, true, predicted).systems[0].splits["overall"].iou.instance_mean == 0


def test_sizes_are_of_the_true_mask(tmp_path: Path) -> None:
    large = rectangle(0, 0, 100, 100, (120, 120))
    size = {"width": 120, "height": 120}
    masks = [rectangle(0, 0, side, side, (120, 120)) for side in (31, 32, 96)]
    true = form([annotation(i, bits) for i, bits in enumerate([*masks, large])])
    true["images"][0] |= size
    sizes = report(tmp_path, true, true).systems[0].splits["overall"].sizes
    assert [sizes[name].instances for name in ("small", "medium", "large")] == [1, 2, 1]


def test_processes_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true, predicted = scene(2)
    alone = report(tmp_path, true, predicted, workers=1, seen="1")
    monkeypatch.setattr("boxmask.evaluate.run._WORTH_PROCESSES", 0)
    assert to_json(report(tmp_path, true, predicted, workers=2, seen="1")) == to_json(alone)


def test_a_difference_pairs_mask_with_mask(tmp_path: Path) -> None:
    ours = [annotation(i, image_id=i) for i in range(8)]
    true = form(ours)
    # Every mask of the other file misses one of twenty columns, so the difference never varies.
    theirs = [annotation(i, rectangle(10, 10, 19, 20), image_id=i) for i in range(8)]
    found = report(tmp_path, true, true, form(theirs)).differences[0]
    assert (found.first, found.second) == ("pred0.json", "pred1.json")
    overall = found.splits["overall"]
    assert overall.iou.class_mean == pytest.approx(0.05)
    assert overall.iou.class_mean_95 == pytest.approx((0.05, 0.05))
    assert (overall.better, overall.worse) == (1, 0)


def test_baselines_stand_beside_the_predictions(tmp_path: Path) -> None:
    square = annotation(1, rectangle(20, 10, 40, 40))
    found = report(tmp_path, form([square]), form([square]), baselines=("box", "ellipse"))
    names = {system.name: system.splits["overall"].iou.class_mean for system in found.systems}
    assert names["pred0.json"] == names["box"] == 1
    assert names["ellipse"] == pytest.approx(np.pi / 4, abs=0.01)
    assert [difference.second for difference in found.differences] == ["box", "ellipse"]


def test_what_is_compared_against_comes_after_the_predictions(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    true = write(tmp_path, "true.json", form([annotation(1)]))
    ours = write(tmp_path / "a", "masks.json", form([annotation(1)]))
    theirs = write(tmp_path / "b", "masks.json", form([annotation(1, rectangle(10, 10, 10, 20))]))
    found = evaluate(EvaluateJob(true, (ours,), against=(theirs,), baselines=("box",))).report
    assert [system.name for system in found.systems] == [str(ours), str(theirs), "box"]
    assert found.differences[0].splits["overall"].iou.class_mean == pytest.approx(0.5)


def test_further_splits_are_named_by_the_user(tmp_path: Path) -> None:
    true, predicted = scene(1)
    found = report(tmp_path, true, predicted, splits={"odd": "1,3,5"})
    assert list(found.splits) == ["overall", "odd"]
    assert found.splits["odd"].categories == 3
    assert found.systems[0].gap is None


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (EvaluateJob(Path("t")), "nothing to evaluate"),
        (EvaluateJob(Path("t"), weights=Path("w")), "add --images"),
        (EvaluateJob(Path("t"), baselines=("blob",)), "'blob'; there are: box, ellipse, grabcut"),
        (EvaluateJob(Path("t"), baselines=("grabcut",)), "add --images"),
        (EvaluateJob(Path("t"), (Path("p"),), splits={"seen": "voc"}), "cannot be named 'seen'"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_any_work(
    job: EvaluateJob, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        evaluate(job)
