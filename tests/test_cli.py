"""All commands alike: their exit statuses, their errors, and what goes to which stream."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from evaluation_files import annotation, form, write
from typer.main import get_command
from typer.testing import CliRunner, Result

from boxmask.cli import app
from boxmask.cli.exit_status import EXPLANATION, MEANINGS, ExitStatus
from boxmask.cli.printing import format_duration
from boxmask.errors import BoxmaskError, ConfigError, InputError, RunError, WeightsError

# A call of each command that begins its work, and the function that does this work.
CALLS = {
    "annotate": (
        ["in.json", "--images", ".", "--out", "out.json"],
        "boxmask.annotate.run.annotate",
    ),
    "check": (["in.json", "out.json"], "boxmask.data.read"),
    "detect": (
        [".", "--weights", "w.safetensors", "--out", "out.json"],
        "boxmask.detect.run.detect",
    ),
    "eval": (["in.json", "in.json"], "boxmask.evaluate.run.evaluate"),
    "import": (["model.ckpt", "--out", "w.safetensors"], "boxmask.published.run.import_weights"),
    "models": ([], "boxmask.models.catalogue.list_heads"),
    "review": (
        ["in.json", "--images", ".", "--static", "worst"],
        "boxmask.review.static.write_static",
    ),
    "show": (["in.json", "--images", "."], "boxmask.show.show"),
    "train": (["in.json", "--images", ".", "--out", "run"], "boxmask.train.run.train"),
}


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def call_failing(monkeypatch: pytest.MonkeyPatch, command: str, error: BaseException) -> Result:
    """Run a command whose work ends with an error."""

    def fail(*arguments: object, **options: object) -> Any:
        raise error

    arguments, function = CALLS[command]
    module, _, name = function.rpartition(".")
    monkeypatch.setattr(import_module(module), name, fail)
    return call(command, *arguments)


def test_every_command_is_in_the_table_of_this_test() -> None:
    assert CALLS.keys() == getattr(get_command(app), "commands").keys()  # noqa: B009


@pytest.mark.parametrize("command", CALLS)
def test_an_interrupted_command_says_so_and_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    result = call_failing(monkeypatch, command, KeyboardInterrupt())
    assert (result.exit_code, result.stdout) == (ExitStatus.INTERRUPTED, "")
    assert result.stderr.startswith("stopped")


@pytest.mark.parametrize("command", CALLS)
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (InputError, ExitStatus.FAILED),
        (WeightsError, ExitStatus.FAILED),
        (RunError, ExitStatus.FAILED),
        (ConfigError, ExitStatus.USAGE),
    ],
)
def test_an_error_of_ours_is_its_sentence_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, command: str, kind: type[BoxmaskError], status: ExitStatus
) -> None:
    result = call_failing(monkeypatch, command, kind("a.json: is broken."))
    assert (result.exit_code, result.stdout) == (status, "")
    assert result.stderr == "error: a.json: is broken.\n"


@pytest.mark.parametrize("command", CALLS)
def test_an_unknown_option_is_wrong_usage(command: str) -> None:
    assert call(command, "--nonsense").exit_code == ExitStatus.USAGE


def test_a_broken_law_and_a_missing_file_are_two_things(tmp_path: Path) -> None:
    before = form([annotation(1, segmentation=None)])
    ours = str(write(tmp_path, "in.json", before))
    theirs = str(write(tmp_path, "out.json", form([])))
    assert call("check", ours, theirs).exit_code == ExitStatus.NOT_CONSERVED
    assert call("check", ours, str(tmp_path / "none.json")).exit_code == ExitStatus.FAILED


def test_the_statuses_are_those_that_scripts_count_on() -> None:
    assert {status.name: int(status) for status in ExitStatus} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "TOO_MANY_SKIPPED": 3,
        "NOT_CONSERVED": 4,
        "FEW_MASKS": 5,
        "INTERRUPTED": 130,
    }


def test_help_and_documents_explain_every_status() -> None:
    assert MEANINGS.keys() == set(ExitStatus)
    assert f"Exit status: {EXPLANATION}." in " ".join(call("--help").stdout.split())
    document = (Path(__file__).parents[1] / "docs" / "odd-input.md").read_text(encoding="utf-8")
    table = document.split("| exit status | |\n|---|---|\n")[1].split("\n\n")[0]
    assert [line.split(" | ")[0] for line in table.splitlines()] == [
        f"| {int(status)}" for status in ExitStatus
    ]


def test_json_is_one_value_and_all_that_goes_to_standard_output(tmp_path: Path) -> None:
    path = str(write(tmp_path, "in.json", form([annotation(1)])))
    for arguments in (["check", path, path], ["eval", path, path], ["models", str(tmp_path)]):
        result = call(*arguments, "--json")
        assert result.exit_code == ExitStatus.DONE
        assert isinstance(json.loads(result.stdout), dict)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (60, "1 min 0 s"),
        (3599.6, "1 h 0 min"),
        (7325, "2 h 2 min"),
    ],
)
def test_durations_are_written_as_people_say_them(seconds: float, said: str) -> None:
    assert format_duration(seconds) == said
