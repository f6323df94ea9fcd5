"""Data and files that mean no good: no command ends with a traceback, or writes to the terminal
what the data says."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from evaluation_files import annotation, form, scene, write
from typer.testing import CliRunner, Result

from boxmask.cli import app
from boxmask.cli.failure import explain
from boxmask.cli.printing import console, plain
from boxmask.evaluate.show.page_file import check_page

ESCAPES = "\u001b[2J\u009b2J\u202e"
MARKUP = "[/b]x[bold]y:smile:"


def call(*arguments: object) -> Result:
    """Run a command; a traceback would be an exception other than its exit."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert not {"\u001b", "\u009b", "\u202e"} & set(done.output)
    return done


def pair(folder: Path, **changes: Any) -> tuple[Path, Path]:
    true, predicted = (json.loads(json.dumps(one)) for one in scene(0, images=2))
    for one in (true, predicted):
        one |= changes
    return write(folder, "true.json", true), write(folder, "predicted.json", predicted)


def test_what_acts_upon_a_terminal_is_written_out() -> None:
    assert plain(ESCAPES + "\ud800ü\n\t") == "\\x1b[2J\\x9b2J\\u202e\\ud800ü\n\t"


def test_tables_show_texts_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    console().print(ESCAPES + MARKUP)
    assert capsys.readouterr().out.strip() == plain(ESCAPES + MARKUP)


@pytest.mark.parametrize("name", [ESCAPES, MARKUP, "\ud800", "a\udcffb"])
def test_names_of_the_data_do_no_harm(tmp_path: Path, name: str) -> None:
    classes = [{"id": id, "name": f"{name}{id}"} for id in range(1, 6)]
    images = [
        {"id": id, "file_name": f"{name}{id}.jpg", "width": 80, "height": 60} for id in (1, 2)
    ]
    true, predicted = pair(tmp_path, categories=classes, images=images)
    page = tmp_path / "page.html"
    assert call("eval", true, predicted, "--page", page).exit_code == 0
    assert call("eval", true, predicted, "--json").exit_code == 0
    assert call("eval", true, predicted, "--seen", name).exit_code == 2
    assert call("eval", true, predicted, "--seen", "nope").exit_code == 2
    assert call("eval", true, predicted, "--split", f"x[/b]={name}1").exit_code in (0, 2)
    assert call("train", true, "--images", tmp_path, "--out", tmp_path / "run", "--seen", "nope")
    unknown = write(tmp_path, "unknown.json", {name: 1})
    assert call("check", unknown, unknown).exit_code == 1
    changed = json.loads(predicted.read_text())
    changed["annotations"][0][name] = name
    call("check", true, write(tmp_path, "changed.json", changed))


@pytest.mark.parametrize("key", ["id", "image_id", "extra", "file_name"])
def test_half_a_character_in_a_file_of_masks_is_no_matter(tmp_path: Path, key: str) -> None:
    true = form([annotation(1) | {key: "\ud800"}, annotation(2)])
    path = write(tmp_path, "true.json", true)
    assert call("eval", path, path).exit_code == 0


@pytest.mark.parametrize("size", [["8", "10"], [8, None], [[8], [10]], [8], None, [-8, 10]])
def test_a_mask_that_does_not_say_its_size_is_named(tmp_path: Path, size: object) -> None:
    mask = {"size": size, "counts": "0P20"}
    true = form([annotation(1, segmentation=mask)])
    del true["images"][0]["width"]
    path = write(tmp_path, "true.json", true)
    done = call("eval", path, path)
    assert done.exit_code == 1 and "annotation 1 (record 0)" in done.output


@pytest.mark.parametrize(
    ("size", "mask"),
    [
        (70_000, {"size": [70_000, 70_000], "counts": [0, 4_900_000_000]}),
        (10, [[side for k in range(400) for side in ((-1) ** k * 99_000, k % 7)]]),
    ],
)
def test_masks_that_would_take_all_memory_are_refused(
    tmp_path: Path, size: int, mask: object
) -> None:
    images = [{"id": 1, "file_name": "1.jpg", "width": size, "height": size}]
    path = write(tmp_path, "true.json", form([annotation(1, segmentation=mask)], images=images))
    done = call("eval", path, path)
    assert done.exit_code == 1 and "annotation 1 (record 0)" in done.output


def test_a_page_replaces_a_page_of_ours_and_nothing_else(tmp_path: Path) -> None:
    true, predicted = pair(tmp_path)
    page = tmp_path / "page.html"
    for _ in range(2):
        assert call("eval", true, predicted, "--page", page).exit_code == 0
    page.write_bytes(page.read_bytes().replace(b"<h1>", b"<h1>mine "))
    before = page.read_bytes()
    for place in (page, true, tmp_path):
        done = call("eval", true, predicted, "--page", place)
        assert done.exit_code == 2 and "give another --page" in done.output
    assert page.read_bytes() == before
    check_page(tmp_path / "new.html")


def test_a_loop_of_links_is_a_plain_error(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    true, _ = pair(tmp_path)
    for arguments in (
        ("annotate", loop, "--images", tmp_path, "--out", tmp_path / "o.json"),
        ("annotate", true, "--images", tmp_path, "--out", loop),
        ("annotate", true, "--images", tmp_path, "--out", tmp_path / "o", "--weights", loop),
        ("annotate", true, "--images", loop, "--out", tmp_path / "o.json"),
        ("annotate", true, "--images", tmp_path, "--out", tmp_path / "o", "--yolo", loop),
        ("check", loop, true),
        ("eval", true, loop),
        ("models", loop),
        ("train", true, "--images", tmp_path, "--out", loop, "--steps", 1),
    ):
        assert call(*arguments).exit_code in (0, 1, 2, 5)


def test_training_into_a_place_that_is_no_run_folder_is_a_plain_error(tmp_path: Path) -> None:
    true, _ = pair(tmp_path)
    file = write(tmp_path, "file", 1)
    for out in (file, file / "below"):
        done = call("train", true, "--images", tmp_path, "--out", out, "--preset", "tiny")
        assert done.exit_code == 1 and "cannot be used" in done.output
    mine = write(tmp_path, "config.json", {"mine": 1})
    done = call("train", true, "--images", tmp_path, "--out", tmp_path, "--preset", "tiny")
    assert done.exit_code == 1 and "is there already" in done.output
    assert json.loads(mine.read_text()) == {"mine": 1}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", ["check", "--version", "eval"])
def test_output_that_nobody_takes_is_a_plain_error(tmp_path: Path, command: str) -> None:
    true, predicted = pair(tmp_path)
    files = [str(true), str(predicted)] if command in ("check", "eval") else []
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "boxmask", command, *files], stdout=full, stderr=subprocess.PIPE
        )
    assert b"Traceback" not in done.stderr and b"Exception" not in done.stderr, done.stderr
    assert done.returncode == 1 and b"No space left" in done.stderr


def test_a_reader_that_has_gone_is_no_error_to_talk_of(tmp_path: Path) -> None:
    true, predicted = pair(tmp_path)
    read, written = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "boxmask", "check", str(true), str(predicted)],
        stdout=written,
        stderr=subprocess.PIPE,
    )
    os.close(written)
    assert (done.returncode, done.stderr) == (1, b"")


def test_every_failure_that_is_caught_is_said(tmp_path: Path) -> None:
    assert "not enough memory" in explain(MemoryError())
    assert "nested too deeply" in explain(RecursionError())
    assert explain(IsADirectoryError(21, "no", "x")) == "x: cannot be used, Is a directory."
