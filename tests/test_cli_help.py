"""Help, short options, completion: what people try first."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
from annotation_files import boxes_of, make_job, photos
from rich.progress import Progress, Task
from typer.testing import CliRunner, Result

from boxmask.cli import COMMANDS, app
from boxmask.cli.examples import HELP
from boxmask.cli.groups import GROUPS
from boxmask.cli.progress import _Rate
from boxmask.version import __version__


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_h_is_help_with_examples_within_80_columns(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = call(*command, "-h")
    assert result.exit_code == 0 and result.stdout == call(*command, "--help").stdout
    help = HELP[command[0] if command else "boxmask"]
    assert all(f"\n    {line}\n" in result.stdout for line in help.examples)
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_the_list_of_commands_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = call("-h").stdout
    for name in COMMANDS:
        assert re.search(rf"^  {name} +{re.escape(HELP[name].summary)}$", shown, re.MULTILINE)
    assert "..." not in shown.split("Commands:")[1].split("Examples:")[0]


def test_examples_are_commands_with_options_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for help in HELP.values():
        for line in help.examples:
            program, command, *rest = line.split()
            shown = call(command, "-h").stdout
            assert program == "boxmask" and command in COMMANDS
            for option in filter(lambda word: word.startswith("-"), rest):
                assert re.search(rf"[\s,]{option}[\s,]", shown), (line, option)


def test_many_options_are_shown_in_groups_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = call("annotate", "-h").stdout
    command = next(one for one in app.registered_commands if one.name == "annotate")
    assert command.callback is not None
    names = set(inspect.signature(command.callback).parameters) - {"boxes", "as_json"}
    for name in names:
        assert (
            len(re.findall(rf"^  (?:-\w, )?--{name.replace('_', '-')} ", shown, re.MULTILINE)) == 1
        )
    own = shown.split("\nOptions:\n")[1].split("\n\n")[0]
    grouped = {name for name in names if f"--{name.replace('_', '-')} " not in own}
    assert grouped == names & {name for group in GROUPS.values() for name in group}
    assert all(f"\n{title}:\n" in shown for title in GROUPS)


def test_the_help_of_an_option_names_its_choices() -> None:
    named = set()
    for command in app.registered_commands:
        assert command.callback is not None
        for name, hint in get_type_hints(command.callback, include_extras=True).items():
            kind, *told = get_args(hint) or (None,)
            choices = get_args(kind) if get_origin(kind) is Literal else ()
            for choice in choices if name != "bbox" else ():  # its forms are made of parts
                assert re.search(rf"\b{choice}\b", told[0].help), (name, choice)
                named.add(name)
    assert {"shapes", "exif", "labels", "engine"} <= named


def test_the_help_of_annotate_takes_one_line_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = call("annotate", "-h").stdout.splitlines()
    options = [line for line in shown if re.match(r"  (?:-\w, )?--", line)]
    assert len(options) > 60 and len(shown) < 1.7 * len(options)


def test_every_name_in_a_group_is_an_option_of_some_command() -> None:
    known = {
        name
        for command in app.registered_commands
        if command.callback is not None
        for name in inspect.signature(command.callback).parameters
    }
    assert {name for group in GROUPS.values() for name in group} <= known


def test_the_version_has_a_short_option() -> None:
    assert call("-V").stdout == call("--version").stdout == f"boxmask {__version__}\n"


def test_a_shell_can_complete() -> None:
    environment = {
        **os.environ,
        "_BOXMASK_COMPLETE": "complete_bash",
        "COMP_WORDS": "boxmask ann",
        "COMP_CWORD": "1",
    }
    program = "import sys; sys.argv[0] = 'boxmask'; from boxmask.cli import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[1],
    )
    assert done.stdout.strip() == "annotate"


def test_quiet_says_nothing_but_warnings_and_verbose_lists_what_was_skipped(
    tmp_path: Path,
) -> None:
    data = boxes_of(2, 2)
    data["annotations"][1]["bbox"] = [3000, 1, 2, 2]
    job = make_job(tmp_path, data)
    options = ["--images", str(job.images), "-o", str(job.out), "--weights", str(job.weights)]
    quiet = call("annotate", str(job.boxes), *options, "-q")
    assert (quiet.exit_code, quiet.output) == (0, "")
    assert '"reason": "box is outside the image"' in (
        call("annotate", str(job.boxes), *options, "-v").stdout
    )
    for image in photos(job).iterdir():
        image.unlink()
    result = call("annotate", str(job.boxes), *options, "-q", "--fresh")
    assert result.exit_code == 5 and result.output.startswith("warning: ")


def test_out_cannot_be_standard_output(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    result = call("annotate", str(job.boxes), "--images", str(job.images), "-o", "-")
    assert result.exit_code == 2 and "cannot be standard output" in result.stderr


def test_the_rate_is_over_all_the_time_since_the_stage_began() -> None:
    now = 100.0
    progress = Progress(get_time=lambda: now, auto_refresh=False)
    task = progress.add_task("masks", total=112, completed=100, rated=True, before=100)
    now = 106.0
    progress.update(task, completed=112)
    (shown,) = progress.tasks
    assert isinstance(shown, Task) and str(_Rate().render(shown)) == "2.0 boxes/s"
    progress = Progress(get_time=lambda: now, auto_refresh=False)
    progress.add_task("masks", total=9, completed=0, rated=True, before=0)
    now = 106.01
    progress.update(progress.task_ids[0], completed=9)
    assert not str(_Rate().render(progress.tasks[0]))
