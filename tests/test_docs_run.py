"""Every command and every line of Python that a page shows does what the page says."""

from pathlib import Path
from typing import Any

import pytest
from documents import PAGES, ROOT, blocks, commands, fits, folder, printed, run_python


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_its_commands_print(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    with folder():
        for language, block in blocks(text):
            if language == "python":
                run_python(block, page, names)
            for shown in commands(block) if language == "console" else ():
                now = printed(shown.command)
                assert fits(shown.output, now), f"{shown.typed}{now}"


@pytest.mark.parametrize(
    ("shown", "got"),
    [
        ("5 images in 1.2 s\n", "5 images in 94.0 s\n"),
        ("mean 0.855\n", "mean 0.849\n"),
        ("a\n...\nd\n", "a\nb\nc\nd\n"),
        ("...\n", "anything\n"),
        ("│ ok    │ 15 │\n", "│ ok │ 15 │\n"),
    ],
)
def test_what_may_differ_fits(shown: str, got: str) -> None:
    assert fits(shown, got)


@pytest.mark.parametrize(
    ("shown", "got"),
    [
        ("5 images\n", "6 images\n"),
        ("mean 0.855\n", "mean 0.355\n"),
        ("a\n...\nd\n", "a\nb\n"),
        ("masks made\n", "masks made\nskipped\n"),
        ("0.5 and 0.6\n", "0.5\n"),
    ],
)
def test_what_may_not_differ_does_not_fit(shown: str, got: str) -> None:
    assert not fits(shown, got)


def test_a_command_goes_on_after_a_backslash() -> None:
    block = "$ one \\\n    --two\nout\n$ three\n"
    assert [one[:2] for one in commands(block)] == [("one      --two", "out\n"), ("three", "")]
    assert "".join(one.typed + one.output for one in commands(block)) == block


def test_every_page_of_docs_is_reached_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page for page in PAGES[1:] if f"({page})" not in text] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 180


def test_pages_are_written_for_any_host() -> None:
    """Plain Markdown: pictures and links are relative, or lead to another site."""
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert "<img" not in text and "](/" not in text
        assert not Path(page).is_absolute()
