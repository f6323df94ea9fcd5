"""The command line of evaluation."""

import json
from pathlib import Path

import pytest
import typer
from evaluation_files import annotation, form, scene, write
from typer.testing import CliRunner

from boxmask.cli.evaluate import evaluate
from boxmask.errors import InputError

APP = typer.Typer()
APP.command("eval")(evaluate)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    true, predicted = scene(0)
    paths = write(tmp_path, "true.json", true), write(tmp_path, "pred.json", predicted)
    return [str(path) for path in paths]


def test_the_table_names_both_means(files: list[str]) -> None:
    done = CliRunner().invoke(APP, [*files, "--seen", "1,2", "--baseline", "box"])
    assert done.exit_code == 0, done.output
    for word in (
        "class",
        "inst.",
        "95 %",
        "overall",
        "seen",
        "unseen",
        "gap",
        "AP50",
        "ECE",
        "-box",
    ):
        assert word in done.stdout


def test_json_goes_to_stdout_alone(files: list[str], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = CliRunner().invoke(
        APP, [*files, "--json", "--split", "odd=1,3", "--page", str(page), "--baseline", "box"]
    )
    report = json.loads(done.stdout)
    assert report["format"] == "boxmask-eval-1"
    assert list(report["splits"]) == ["overall", "odd"]
    assert [difference["second"] for difference in report["differences"]] == ["box"]
    assert page.read_text().startswith("<!doctype html>")


def test_loosened_boxes_are_reported_and_written(files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "loose.json"
    options = ["--loosen", "0.1", "--loosen-seed", "3", "--loosen-out", str(out)]
    done = CliRunner().invoke(APP, [files[0], "--baseline", "box", *options])
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert "Boxes moved by a normal error of 10.0 % of each side (seed 3)" in said
    assert len(json.loads(out.read_text())["annotations"]) > 10


@pytest.mark.parametrize("split", ["odd", "=1", "odd="])
def test_a_split_without_name_or_categories_is_wrong_usage(files: list[str], split: str) -> None:
    assert CliRunner().invoke(APP, [*files, "--split", split]).exit_code == 2


def test_a_broken_input_is_our_own_error(tmp_path: Path) -> None:
    true = write(tmp_path, "true.json", form([annotation(1), annotation(1)]))
    done = CliRunner().invoke(APP, [str(true), str(true)])
    assert isinstance(done.exception, InputError)
