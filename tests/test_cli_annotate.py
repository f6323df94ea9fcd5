"""The annotate command: exit codes, what it prints where, its defaults."""

import inspect
import json
import re
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
from annotation_files import boxes_of, make_job, output, write_weights
from typer.testing import CliRunner, Result

from boxmask.annotate.job import AnnotateJob
from boxmask.cli import app
from boxmask.cli.annotate import annotate
from boxmask.export import EXPORTS, ExportOptions


def arguments(job: AnnotateJob, *more: str) -> list[str]:
    given = {"--images": job.images, "--out": job.out, "--weights": job.weights}
    options = [str(part) for pair in given.items() if pair[1] for part in pair]
    return ["annotate", str(job.boxes), *options, "--shard-boxes", "4", *more]


def call(job: AnnotateJob, *more: str) -> Result:
    return CliRunner().invoke(app, arguments(job, *more))


@pytest.fixture
def job(tmp_path: Path) -> AnnotateJob:
    """A job of which one box is skipped."""
    data = boxes_of(4, 3)
    data["annotations"][5]["bbox"] = None
    return make_job(tmp_path, data)


def test_the_summary_says_what_became_of_each_annotation(job: AnnotateJob) -> None:
    result = call(job)
    assert result.exit_code == 0, result.output
    shown = [line for line in result.stdout.splitlines() if "│" in line]
    rows = [[cell.strip() for cell in line.split("│")[1:3]] for line in shown]
    assert rows[:5] == [
        ["masks made", "11"],
        ["masks that were there", "0"],
        ["crowds left alone", "0"],
        ["skipped", "1"],
        ["box is missing", "1"],
    ]
    assert "11 masks in" in result.stdout and "making masks: 11 of 11" in result.stderr
    assert "already done" in call(job).stdout


def test_the_summary_says_what_the_network_was_told(tmp_path: Path) -> None:
    (tmp_path / "windows").mkdir()
    sides = {"head": "hourglass10", "view_size": 24, "window_masks": True}
    job = make_job(tmp_path, weights=write_weights(tmp_path / "windows", **sides))
    shown = call(job, "--tightness", "0.1", "--dry-run").stdout
    assert "off by 10 % of their sides" in shown
    shown = call(job, "--neighbours", "off", "--tightness", "exact").stdout
    assert re.search(r"boxes taken to be +│ +exact", shown)
    assert re.search(r"neighbouring boxes shown +│ +no ", shown)
    summary = json.loads(call(job, "--neighbours", "off", "--json").stdout)
    assert summary["told"] == {"tightness": 0.0, "neighbours": False}


def test_json_is_all_that_goes_to_standard_output(job: AnnotateJob) -> None:
    summary = json.loads(call(job, "--json").stdout)
    assert summary["tally"]["statuses"] == {"ok": 11, "kept": 0, "crowd": 0, "skipped": 1}
    assert (summary["predicted"], summary["already_done"]) == (11, False)


def test_a_dry_run_prints_an_estimate(job: AnnotateJob) -> None:
    assert re.search(r"about .* boxes/s\s+on cpu in fp32", call(job, "--dry-run").stdout)
    assert json.loads(call(job, "--dry-run", "--json").stdout)["boxes"] == 11
    assert not job.out.exists()


@pytest.mark.parametrize(("allowed", "status"), [("0", 3), ("1", 0)])
def test_more_skipped_than_allowed_is_status_3(job: AnnotateJob, allowed: str, status: int) -> None:
    assert call(job, "--max-skipped", allowed).exit_code == status
    assert len(output(job)["annotations"]) == 12


def test_an_error_is_one_sentence_and_status_1(job: AnnotateJob) -> None:
    result = call(job, "--strict")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error: " in result.stderr and "record 6 (id 5): box is missing" in result.stderr


@pytest.mark.parametrize(
    "option", [["--exif", "sideways"], ["--precision", "fp8"], ["--tightness", "1"], ["--nonsense"]]
)
def test_a_wrong_option_is_status_2(job: AnnotateJob, option: list[str]) -> None:
    assert call(job, *option).exit_code == 2


def test_the_defaults_are_those_of_the_job() -> None:
    parameters = inspect.signature(annotate).parameters
    shared = [field for field in fields(AnnotateJob) if field.name in parameters]
    grouped = {"reading", "subset", "exports", "export_options", "delivery"}
    assert {field.name for field in fields(AnnotateJob)} - set(parameters) == grouped
    for field in shared[3:]:
        assert parameters[field.name].default == field.default, field.name


def test_every_export_and_its_options_are_options_of_the_command() -> None:
    parameters = inspect.signature(annotate).parameters
    assert all(name in parameters and export.title for name, export in EXPORTS.items())
    for field in fields(ExportOptions):
        assert parameters[field.name].default == field.default, field.name


# The command, interrupted from within as soon as its third part is written.
INTERRUPTED = """
import signal
from boxmask.annotate import missing
from boxmask.cli import app

# A shell that runs the tests in the background has its children ignore the signal.
signal.signal(signal.SIGINT, signal.default_int_handler)
write, written = missing.write_part, []

def write_part(*part):
    write(*part)
    written.append(part)
    if len(written) == 3:
        signal.raise_signal(signal.SIGINT)

missing.write_part = write_part
app()
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_interrupted_it_says_how_to_go_on_and_goes_on(tmp_path: Path, workers: str) -> None:
    # The bundled network, which starts without PyTorch.
    job = replace(make_job(tmp_path, boxes_of(6, 6)), weights=None)
    call_it = arguments(job, "--batch-boxes", "1", "--workers", workers)
    command = [sys.executable, "-c", INTERRUPTED, *call_it]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert done.returncode == 130, done.stderr
    assert "the same command (without --fresh) goes on" in done.stderr
    assert "Traceback" not in done.stderr
    summary = json.loads(call(job, "--batch-boxes", "1", "--json").stdout)
    assert 12 <= summary["reused"] < 36
    assert summary["reused"] + summary["predicted"] == 36
