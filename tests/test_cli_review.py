"""The command `review`: what it prints, in 80 columns and as JSON, and what it refuses."""

import json
from pathlib import Path

import pytest
from check_files import filled
from review_files import Review, annotated, verdicts_of, write_file
from typer.testing import CliRunner, Result

from boxmask.cli import app


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_file(tmp_path, annotated())


def run(file: Path, *options: str) -> Result:
    verdicts = str(verdicts_of(file))
    images = str(file.parent)
    given = ["review", str(file), "--images", images, "--verdicts", verdicts, *options]
    return CliRunner().invoke(app, given)


def judged(file: Path, **verdicts: str) -> None:
    """Judge rows, named row0, row1, ..."""
    review = Review(file, file.parent)
    for row, verdict in verdicts.items():
        review.judge(int(row.removeprefix("row")), verdict)
    review.end()


def test_apply_says_what_became_of_the_verdicts(file: Path) -> None:
    judged(file, row0="accept", row1="reject", row4="reject")
    out = file.with_name("new.json")
    result = run(file, "--apply", str(out))
    assert result.exit_code == 0, result.output
    assert "        1 accepted\n" in result.output and "        1 rejected\n" in result.output
    assert "1 verdict on crowds: not applied" in result.output
    assert json.loads(out.read_bytes())["annotations"][1]["boxmask"] == {"status": "rejected"}
    told = json.loads(run(file, "--apply", str(out), "--json").stdout)
    assert told["counts"]["rejected"] == 1 and told["out"] == str(out)


def test_an_audit_is_drawn_then_reported(file: Path) -> None:
    first = run(file, "--audit", "3")
    assert "3 drawn at random from 3 masks that nobody had judged" in first.output
    assert "Judge them" in first.output
    judged(file, row0="accept", row1="accept", row2="reject")
    second = run(file, "--audit", "3")
    assert "acceptable of all 3: 66.7 %, 95 % interval [66.7, 66.7]" in second.output
    assert max(map(len, second.output.splitlines())) <= 80
    told = json.loads(run(file, "--audit", "3", "--json").stdout)
    assert (told["sample"], told["judged"], told["acceptable"]) == (3, 3, 2)


def test_an_audit_is_read_while_a_review_has_the_verdicts_open(file: Path) -> None:
    run(file, "--audit", "2")
    review = Review(file, file.parent)
    assert run(file, "--audit", "2").exit_code == 0
    assert run(file, "--audit", "3").exit_code == 1  # a sample cannot be drawn now
    review.end()


def test_static_says_where_the_page_is(file: Path) -> None:
    result = run(file, "--static", str(file.with_name("page")), "--worst", "2")
    assert result.exit_code == 0 and "index.html: the worst 2 of 3 masks" in result.output


def test_what_was_drawn_on_images_alone_becomes_a_file(file: Path) -> None:
    review = Review(None, file.parent)
    review.draw(0, filled(1, 1, 4, 4), "cat")
    review.end()
    out = file.with_name("new.json")
    folder = str(file.parent)
    given = [
        "review",
        "--images",
        folder,
        "--verdicts",
        str(verdicts_of(file)),
        "--apply",
        str(out),
    ]
    assert CliRunner().invoke(app, given).exit_code == 0
    assert [one["name"] for one in json.loads(out.read_bytes())["categories"]] == ["cat"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--audit", "3", "--static", "page"), "give only one of"),
        (("--apply", "missing/new.json"), "in a folder that there is"),
    ],
)
def test_what_makes_no_sense_is_refused(file: Path, options: tuple[str, ...], message: str) -> None:
    result = run(file, *options)
    assert result.exit_code == 2 and message in result.output


def test_a_file_that_is_no_coco_is_told_what_to_do(tmp_path: Path) -> None:
    labels = tmp_path / "a.csv"
    labels.write_text("image,x,y\n")
    result = run(labels, "--audit", "3")
    assert result.exit_code == 1 and "make one of this: boxmask annotate" in result.output
