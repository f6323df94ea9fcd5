"""The command line of evaluation."""

import inspect
import json
from dataclasses import fields
from pathlib import Path

import pytest
from evaluation_files import annotation, form, scene, write
from typer.testing import CliRunner, Result

from boxmask.cli import app
from boxmask.cli.evaluate import evaluate
from boxmask.evaluate.job import EvaluateJob


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    true, predicted = scene(0)
    paths = write(tmp_path, "true.json", true), write(tmp_path, "pred.json", predicted)
    return [str(path) for path in paths]


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["eval", *arguments])


def cells(text: str) -> set[tuple[str, ...]]:
    """Return the words of each line; a word inside another is not one of them."""
    return {tuple(line.split()) for line in text.splitlines()}


def test_the_tables_have_a_line_for_each_split_and_system(files: list[str]) -> None:
    done = call(*files, "--seen", "1,2", "--baseline", "box")
    assert done.exit_code == 0, done.output
    lines = cells(done.stdout)
    assert ("class", "inst.", "bound-") in lines
    assert ("split", "system", "mean", "95", "%", "mean", "ary", "S", "M", "L") in lines
    assert ("split", "system", "AP", "AP50", "AP75", "APs", "APm", "APl", "ranked", "by") in lines
    firsts = [line[:2] for line in map(str.split, done.stdout.splitlines())]
    for split in ("overall", "seen", "unseen"):
        assert firsts.count([split, "pred.json"]) == 3  # IoU, AP and calibration
        assert firsts.count([split, "-box"]) == 1
    assert ["gap", "pred.json"] in firsts


def test_json_goes_to_stdout_alone(files: list[str], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = call(*files, "--json", "--split", "odd=1,3", "--page", str(page), "--baseline", "box")
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert report["format"] == "boxmask-eval-1"
    assert list(report["splits"]) == ["overall", "odd"]
    assert [difference["second"] for difference in report["differences"]] == ["box"]
    assert page.read_text().startswith("<!doctype html>")


def test_loosened_boxes_are_reported_and_written(files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "loose.json"
    options = ["--loosen", "0.1", "--loosen-seed", "3", "--loosen-out", str(out)]
    done = call(files[0], "--baseline", "box", *options)
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert "Boxes moved by a normal error of 10.0 % of each side (seed 3)" in said
    assert len(json.loads(out.read_text())["annotations"]) > 10


def test_predictions_without_any_mask_are_no_success(files: list[str], tmp_path: Path) -> None:
    file = json.loads(Path(files[1]).read_text())
    for one in file["annotations"]:
        one.pop("segmentation", None)
    empty = write(tmp_path, "empty.json", file)
    for done in (call(files[0], str(empty)), call(*files, "--against", str(empty))):
        assert done.exit_code == 5
        assert "empty.json has no mask of any true one: " in done.stderr


@pytest.mark.parametrize("split", ["odd", "=1", "odd="])
def test_a_split_without_name_or_categories_is_wrong_usage(files: list[str], split: str) -> None:
    assert call(*files, "--split", split).exit_code == 2


def test_a_page_in_no_folder_is_wrong_usage(files: list[str], tmp_path: Path) -> None:
    done = call(*files, "--page", str(tmp_path / "none" / "page.html"))
    assert done.exit_code == 2
    assert "--page" in done.stderr


def test_a_broken_input_is_one_sentence_that_names_the_file(tmp_path: Path) -> None:
    true = write(tmp_path, "true.json", form([annotation(1), annotation(1)]))
    done = call(str(true), str(true))
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {true}: records 0 and 1 both have the annotation id 1;")
    assert done.stderr.count("\n") == 1


def test_the_defaults_are_those_of_the_job() -> None:
    parameters = inspect.signature(evaluate).parameters
    renamed = {"baselines": "baseline", "splits": "split"}
    options = {renamed.get(field.name, field.name): field for field in fields(EvaluateJob)}
    assert options.keys() <= parameters.keys()
    for name in ("loosen", "loosen_seed", "tightness", "neighbours", "flip", "device", "seen"):
        assert parameters[name].default == options[name].default, name
