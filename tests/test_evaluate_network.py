"""A network run over the true boxes, scored beside what needs no network."""

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from annotation_files import tiny_network
from evaluation_files import HEIGHT, WIDTH, annotation, form, rectangle, write
from PIL import Image
from typer.testing import CliRunner

from boxmask.annotate.hints import Hints
from boxmask.cli import app
from boxmask.errors import ConfigError
from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.reading import read_masks
from boxmask.evaluate.run import evaluate
from boxmask.evaluate.show.page import page_text
from boxmask.models import ModelConfig, build
from boxmask.models.weights import save_network

ZOOM_TINY = ModelConfig(backbone="tiny", view_size=96, feature_channels=32, head_channels=8)


@pytest.fixture
def job(tmp_path: Path) -> EvaluateJob:
    torch.manual_seed(0)
    save_network(tmp_path / "tiny.safetensors", build(ZOOM_TINY), {})
    Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)).save(tmp_path / "1.jpg")
    true = [
        annotation(0),
        annotation("b", rectangle(40, 20, 30, 30)),
        annotation(2, image_id="gone"),
        annotation(3, iscrowd=1),
    ]
    return EvaluateJob(
        write(tmp_path, "true.json", form(true)),
        weights=tmp_path / "tiny.safetensors",
        images=tmp_path,
        baselines=("box",),
        device="cpu",
        keep=tmp_path / "kept.json",
    )


def test_the_network_is_scored_on_every_true_box(job: EvaluateJob) -> None:
    network, box = evaluate(job).report.systems
    assert network.name == "tiny"
    assert network.ap_ranked_by == "predicted_iou"
    assert network.missing == {"image missing": 1}
    assert network.missing_ids == [2]
    calibration = network.splits["overall"].calibration
    assert calibration is not None
    assert calibration.instances == 2
    assert box.splits["overall"].iou.instance_mean == 1


def test_a_network_that_could_look_at_few_images_is_no_success(job: EvaluateJob) -> None:
    assert not evaluate(job).report.shortage
    assert job.images is not None
    (job.images / "1.jpg").unlink()
    done = CliRunner().invoke(
        app,
        ["eval", str(job.ground_truth), "--weights", str(job.weights), "--images", str(job.images)],
    )
    assert done.exit_code == 5
    assert "no mask was made: image missing (3)" in done.stderr
    assert "IoU" in done.stdout


def test_the_kept_masks_are_scored_the_same_as_a_file(job: EvaluateJob) -> None:
    network, _ = evaluate(job).report.systems
    assert job.keep is not None
    assert len(read_masks(job.keep)) == 4
    (again,) = evaluate(EvaluateJob(job.ground_truth, (job.keep,))).report.systems
    assert msgspec.json.encode(again.splits) == msgspec.json.encode(network.splits)


def test_the_network_sees_the_moved_boxes(job: EvaluateJob) -> None:
    exact, _ = evaluate(job).report.systems
    loose = evaluate(replace(job, loosen=0.2, keep=job.ground_truth.with_name("loose.json")))
    network, box = loose.report.systems
    assert loose.report.loosening is not None
    assert loose.report.told is None
    assert network.box_iou < 1 == exact.box_iou
    assert network.missing == exact.missing == {"image missing": 1}
    assert box.splits["overall"].iou.instance_mean < 1


@pytest.mark.parametrize(
    ("changes", "told", "said"),
    [
        ({}, Hints(0.0, neighbours=True), "took boxes to be exact, and was shown"),
        ({"loosen": 0.2}, Hints(0.2, neighbours=True), "boxes to be off by 20.0 % of each side"),
        ({"loosen": 0.2, "tightness": 0.0}, Hints(0.0, neighbours=True), "boxes to be exact"),
        ({"neighbours": "off"}, Hints(0.0, neighbours=False), "not shown neighbouring boxes."),
    ],
)
def test_a_network_is_told_how_far_the_boxes_were_moved(
    job: EvaluateJob, changes: dict[str, object], told: Hints, said: str
) -> None:
    weights = job.ground_truth.with_name("windows.safetensors")
    save_network(weights, tiny_network(head="hourglass10", view_size=24, window_masks=True), {})
    found = evaluate(replace(job, weights=weights, **changes))  # type: ignore[arg-type]
    assert found.report.told == told
    assert said in page_text(found)
    assert json.loads(msgspec.json.encode(found.report))["told"]["tightness"] == told.tightness


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tightness": 0.1}, "has no window masks and cannot be told"),
        ({"tightness": 0.7}, "--tightness is 0.7"),
        ({"weights": None, "neighbours": "on"}, "for a network: add --weights"),
    ],
)
def test_what_cannot_be_told_is_refused(
    job: EvaluateJob, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        evaluate(replace(job, **changes))  # type: ignore[arg-type]
