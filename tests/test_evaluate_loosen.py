"""Boxes moved as imprecise hands would: how far, how repeatably, and what the report says of it."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from evaluation_files import HEIGHT, WIDTH, annotation, form, rectangle, scene, write
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from boxmask.data import read
from boxmask.errors import ConfigError
from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.loosen import box_ious, loosened
from boxmask.evaluate.report import EvaluationReport
from boxmask.evaluate.run import evaluate
from boxmask.evaluate.show.page import page_text

Floats = npt.NDArray[np.float64]
NOWHERE = np.zeros((1, 2))

corner = st.tuples(
    st.floats(-20, 200), st.floats(-20, 200), st.floats(0.1, 300), st.floats(0.1, 90)
)
ids = st.one_of(st.integers(), st.text(max_size=4), st.just("\ud800"), st.floats())


def moved(boxes: Floats, fraction: float, *, seed: int = 0) -> Floats:
    everywhere = np.zeros((len(boxes), 2))
    return loosened(boxes, range(len(boxes)), everywhere, fraction=fraction, seed=seed)


@pytest.mark.parametrize("fraction", [0.05, 0.2])
def test_sides_move_by_a_normal_error_of_their_box(fraction: float) -> None:
    boxes = np.tile([1000.0, 2000, 1200, 2050], (20_000, 1))
    shifts = (moved(boxes, fraction) - boxes) / [200, 50, 200, 50] / fraction
    assert np.abs(shifts.mean(axis=0)).max() < 0.04
    assert np.abs(shifts.std(axis=0) - 1).max() < 0.02
    assert np.abs(np.corrcoef(shifts.T) - np.eye(4)).max() < 0.04
    share = (np.abs(shifts) < 1).mean()  # within one standard deviation
    assert share == pytest.approx(0.683, abs=0.01)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(corner, min_size=1, max_size=6),
    st.data(),
    st.floats(0.001, 0.5),
    st.integers(0, 2**40),
    st.booleans(),
)
def test_a_moved_box_is_sound_and_depends_on_itself_alone(
    corners: list[tuple[float, ...]],
    data: st.DataObject,
    fraction: float,
    seed: int,
    sized: bool,
) -> None:
    xywh = np.array(corners)
    boxes = np.hstack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]])
    names = [data.draw(ids) for _ in corners]
    limits = np.tile([180.0, 120.0], (len(boxes), 1)) * sized
    found = loosened(boxes, names, limits, fraction=fraction, seed=seed)
    assert (found[:, 2:] > found[:, :2]).all()
    other = (found != boxes).any(axis=1)
    if sized:
        assert (found[other] >= 0).all() and (found[other] <= [180, 120, 180, 120]).all()
    written = np.hstack(
        [found[other, :2], found[other, :2] + (found[other, 2:] - found[other, :2])]
    )
    assert np.array_equal(written, found[other])  # corner and size say the same box
    for k in range(len(boxes)):
        one = slice(k, k + 1)
        alone = loosened(boxes[one], names[one], limits[one], fraction=fraction, seed=seed)
        assert np.array_equal(alone, found[one])


def test_another_seed_and_another_id_move_otherwise() -> None:
    boxes = np.tile([10.0, 10, 50, 50], (3, 1))
    first = moved(boxes, 0.1)
    assert len(np.unique(first, axis=0)) == 3
    assert not np.isclose(first, moved(boxes, 0.1, seed=1)).any()
    as_text = loosened(boxes[:1], ["0"], NOWHERE, fraction=0.1, seed=0)
    assert not np.isclose(as_text, first[:1]).any()


@pytest.mark.parametrize(
    "box",
    [
        (np.nan, np.nan, np.nan, np.nan),
        (5, 5, 5, 9),
        (9, 5, 5, 9),
        (1, 1, 1.001, 9),
        (50, 0, 60, 9),
    ],
    ids=["no box", "no width", "wrong way round", "narrower than the grid", "outside its image"],
)
def test_a_box_that_cannot_be_moved_stays(box: tuple[float, ...]) -> None:
    boxes, limits = np.array([box], np.float64), np.array([[30.0, 30.0]])
    found = loosened(boxes, [1], limits, fraction=0.1, seed=0)
    assert np.array_equal(found, boxes, equal_nan=True)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(corner, corner), min_size=1, max_size=5))
def test_ious_of_boxes_are_those_of_pycocotools(pairs: list[tuple[tuple[float, ...], ...]]) -> None:
    one, other = np.array(pairs).transpose(1, 0, 2)
    wanted = [coco.iou([a], [b], [0])[0, 0] for a, b in zip(one, other, strict=True)]
    corners = [np.hstack([box[:, :2], box[:, :2] + box[:, 2:]]) for box in (one, other)]
    assert box_ious(*corners) == pytest.approx(np.array(wanted), abs=1e-9)


def loose_job(folder: Path, **changes: object) -> EvaluateJob:
    true = write(folder, "true.json", scene(3)[0])
    out = folder / "loose.json"
    job = EvaluateJob(true, baselines=("box",), loosen=0.1, loosen_seed=5, loosen_out=out)
    return replace(job, **changes)  # type: ignore[arg-type]


def report(job: EvaluateJob) -> EvaluationReport:
    return evaluate(job).report


def test_baselines_see_the_moved_boxes_and_the_report_says_so(tmp_path: Path) -> None:
    found = evaluate(loose_job(tmp_path))
    (box,) = found.report.systems
    moving = found.report.loosening
    assert moving is not None and (moving.fraction, moving.seed) == (0.1, 5)
    assert 0.5 < moving.box_iou < 0.9
    assert box.box_iou == pytest.approx(moving.box_iou)
    assert box.splits["overall"].iou.instance_mean == pytest.approx(moving.box_iou, abs=0.05)
    said = "error of 10.0 % of each side (seed 5): mean IoU with the true ones"
    assert f"{said} {100 * moving.box_iou:.1f}." in page_text(found)
    assert json.loads(msgspec.json.encode(found.report))["loosening"]["seed"] == 5


def test_the_boxes_are_written_without_masks_and_all_else_stays(tmp_path: Path) -> None:
    job = loose_job(tmp_path)
    truth = json.loads(job.ground_truth.read_text())
    truth["annotations"][0] |= {"note": 1.0, "boxmask": {"status": "ok"}}
    truth["annotations"][1] |= {"bbox": None}
    job.ground_truth.write_text(json.dumps(truth | {"info": {"v": 1.0}}))
    evaluate(job)
    assert job.loosen_out is not None
    loose = json.loads(job.loosen_out.read_text())
    assert {key: loose[key] for key in ("info", "images", "categories")} == {
        "info": {"v": 1.0},
        **{key: truth[key] for key in ("images", "categories")},
    }
    for before, after in zip(truth["annotations"], loose["annotations"], strict=True):
        kept = set(before) - {"segmentation", "area", "boxmask", "bbox"}
        assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
        assert set(after) <= kept | {"area", "bbox"}
        assert (after["bbox"] == before["bbox"]) is (before["bbox"] is None)
        if after["bbox"]:
            x, y, w, h = after["bbox"]
            assert after["area"] == w * h > 0
            assert min(x, y) >= 0 and x + w <= WIDTH and y + h <= HEIGHT
    assert list(read(job.loosen_out).annotation_ids) == [one["id"] for one in truth["annotations"]]


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    job = loose_job(tmp_path)
    assert job.loosen_out is not None
    evaluate(job)
    first = job.loosen_out.read_bytes()
    packed = replace(job, loosen_out=tmp_path / "loose.json.gz")
    evaluate(packed)
    assert packed.loosen_out is not None
    assert gzip.decompress(packed.loosen_out.read_bytes()) == first
    other = replace(job, loosen_seed=6, loosen_out=tmp_path / "other.json")
    evaluate(other)
    assert (tmp_path / "other.json").read_bytes() != first


def test_predictions_from_moved_boxes_say_how_loose_these_were(tmp_path: Path) -> None:
    true = form([annotation(1), annotation(2)])
    loose = form([annotation(1, bbox=[10, 10, 40, 20]), annotation(2, bbox=[10, 10, 20, 20])])
    tight = form([annotation(k, boxmask={"given_box": [10, 10, 20 * (3 - k), 20]}) for k in (1, 2)])
    names = [
        write(tmp_path, f"{k}.json", content) for k, content in enumerate((true, loose, tight))
    ]
    found = evaluate(EvaluateJob(names[0], tuple(names)))
    assert [system.box_iou for system in found.report.systems] == [1, 0.75, 0.75]
    text = page_text(found)
    assert "1.json: its boxes have a mean IoU of 75.0 with the true ones." in text
    assert "0.json: its boxes" not in text


def test_without_loosening_nothing_is_said_of_it(tmp_path: Path) -> None:
    found = evaluate(loose_job(tmp_path, loosen=0.0, loosen_out=None))
    assert found.report.loosening is None and found.report.systems[0].box_iou == 1
    assert "Boxes moved" not in page_text(found)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"loosen": -0.1}, "--loosen is -0.1; give a number from 0 to 0.5"),
        ({"loosen": float("nan")}, "--loosen is nan"),
        ({"loosen": 0.0}, "--loosen-out writes the boxes that --loosen has moved"),
        ({"baselines": (), "predicted": (Path("p"),), "loosen_out": None}, "--loosen moves"),
        ({"loosen_out": Path("nowhere/x.json")}, "nowhere: no such folder"),
    ],
)
def test_options_that_do_not_go_together(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        report(loose_job(tmp_path, **changes))


def test_no_file_of_the_evaluation_is_written_over(tmp_path: Path) -> None:
    job = loose_job(tmp_path)
    ways = replace(job, loosen_out=job.ground_truth), replace(job, keep=job.loosen_out)
    for refused in ways:
        with pytest.raises(ConfigError, match="another file of this evaluation"):
            report(refused)


def test_rectangles_as_large_as_their_boxes_lose_what_the_boxes_lose(tmp_path: Path) -> None:
    true = form([annotation(k, rectangle(20, 15, 40, 30)) for k in range(200)])
    job = EvaluateJob(write(tmp_path, "true.json", true), baselines=("box",), loosen=0.05)
    found = report(job)
    assert found.loosening is not None
    assert found.loosening.box_iou == pytest.approx(0.86, abs=0.01)


def test_a_file_that_is_there_is_not_replaced_by_moved_boxes(tmp_path: Path) -> None:
    there = tmp_path / "there.json"
    there.write_text("mine")
    with pytest.raises(ConfigError, match=r"there\.json: is there already"):
        report(loose_job(tmp_path, loosen_out=there))
    assert there.read_text() == "mine"
