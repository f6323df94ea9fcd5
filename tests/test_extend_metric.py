"""A metric of one's own is a function and an entry in METRICS; without the entry it is gone."""

import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_files import annotation, form, rectangle, write
from rich.console import Console

from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.metrics import METRICS, MaskPair, Metric
from boxmask.evaluate.report import to_json
from boxmask.evaluate.run import Evaluation, evaluate
from boxmask.evaluate.show.page import page_text
from boxmask.evaluate.show.terminal import tables


def hausdorff(pair: MaskPair) -> float:
    """Return the farthest that a pixel of either mask is from the other mask, in pixels."""
    true, predicted = np.argwhere(pair.true), np.argwhere(pair.predicted)
    if not (len(true) and len(predicted)):
        return math.nan
    distances = np.linalg.norm(true[:, None] - predicted[None], axis=2)
    return float(max(distances.min(axis=0).max(), distances.min(axis=1).max()))


HAUSDORFF = Metric(hausdorff, "Haus-\ndorff", missing=math.nan, percent=False)


@pytest.fixture
def job(tmp_path: Path) -> EvaluateJob:
    """A job with masks 3 and 5 pixels off, one that is missing, and one that is empty."""
    true = [annotation(id, rectangle(10, 10, 12, 9), image_id=id) for id in range(4)]
    masks = [rectangle(13, 10, 12, 9), rectangle(13, 14, 12, 9), rectangle(0, 0, 0, 0)]
    predicted = [annotation(id, bits, image_id=id) for id, bits in enumerate(masks)]
    files = write(tmp_path, "true.json", form(true)), write(tmp_path, "pred.json", form(predicted))
    return EvaluateJob(files[0], (files[1],), baselines=("box",))


@pytest.fixture
def found(job: EvaluateJob, monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    monkeypatch.setitem(METRICS, "hausdorff", HAUSDORFF)
    return evaluate(job)


def parsed(found: Evaluation) -> Any:
    return json.loads(to_json(found.report))


def terminal(found: Evaluation) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(tables(found.report))
    return console.export_text()


def test_the_report_has_its_means_over_the_instances_that_have_a_value(found: Evaluation) -> None:
    assert found.systems[0].values["hausdorff"].tolist()[:2] == [3, 5]
    assert np.isnan(found.systems[0].values["hausdorff"][2:]).all()
    mean = found.report.systems[0].splits["overall"].means["hausdorff"]
    assert mean.class_mean == mean.instance_mean == 4
    assert 3 <= mean.class_mean_95[0] <= 4 <= mean.class_mean_95[1] <= 5
    assert found.report.differences[0].splits["overall"].means["hausdorff"].class_mean == 4


def test_the_json_has_it_under_its_name_beside_the_others(found: Evaluation) -> None:
    report = parsed(found)
    overall = report["systems"][0]["splits"]["overall"]
    assert list(overall) == ["iou", "boundary_iou", "hausdorff", "sizes", "calibration", "ap"]
    assert overall["hausdorff"]["class_mean"] == 4
    assert report["systems"][0]["classes"][0]["hausdorff"] == 4
    difference = report["differences"][0]["splits"]["overall"]
    assert list(difference) == ["iou", "boundary_iou", "hausdorff", "better", "worse"]
    assert difference["hausdorff"]["instance_mean"] == 4


def test_terminal_and_page_have_a_column_of_it(found: Evaluation) -> None:
    lines = [line.split() for line in terminal(found).splitlines()]
    heading = next(line for line in lines if "dorff" in line)
    row = next(line for line in lines if line[:2] == ["overall", "pred.json"])
    # The interval is two words, under the two words of "95 %".
    assert row[heading.index("dorff")] == "4.0"
    assert "Boundary, Hausdorff, S, M, L: class means." in " ".join(terminal(found).split())
    page = page_text(found)
    assert "<th>boundary</th><th>Hausdorff</th>" in page
    assert "<td>4.0</td>" in page


def test_the_figures_that_were_there_stay_and_its_own_leave_with_it(
    found: Evaluation, job: EvaluateJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_it = parsed(found)
    monkeypatch.delitem(METRICS, "hausdorff")
    without = evaluate(job)
    for text in (to_json(without.report).decode(), terminal(without), page_text(without)):
        assert "haus" not in text.lower()
    for scored in (*with_it["systems"], *with_it["differences"]):
        for split in scored["splits"].values():
            del split["hausdorff"]
    for system in with_it["systems"]:
        for one in system["classes"]:
            del one["hausdorff"]
    assert parsed(without) == with_it


def test_a_report_outlives_the_metrics_that_it_was_made_with(
    found: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(METRICS, "hausdorff")
    assert "dorff" not in terminal(found)
    assert "Hausdorff" not in page_text(found)


def test_other_processes_measure_it_too(
    found: Evaluation, job: EvaluateJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boxmask.evaluate.run._WORTH_PROCESSES", 0)
    assert parsed(evaluate(replace(job, workers=2))) == parsed(found)
