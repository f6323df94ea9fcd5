"""The documents say what the program does: every command, option and file that they show exists."""

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer

from boxmask.cli import app
from boxmask.train.presets import PRESETS

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    *("README.md", "CONTRIBUTING.md", "examples/photos/README.md"),
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
)
EXAMPLES = sorted(f"examples/{path.name}" for path in (ROOT / "examples").glob("*.py"))
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def shell_lines(name: str) -> list[str]:
    """List the commands in a document's code blocks, continued lines joined."""
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", text, flags=re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ").partition("  #")[0] for line in lines]


def calls() -> list[tuple[str, str]]:
    """List (document, words after `boxmask`) of every call of the program that is shown."""
    found = []
    for name in DOCUMENTS:
        for line in shell_lines(name):
            found += [(name, call) for call in re.findall(r"(?:^|&& |-m )boxmask ([^&|>]+)", line)]
    return found


def options(command: str) -> set[str]:
    """Name the options of a command as they are typed."""
    return {
        option
        for parameter in COMMANDS[command].params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }


@pytest.mark.parametrize(("document", "call"), calls())
def test_every_call_in_a_document_is_one_the_program_takes(document: str, call: str) -> None:
    words = shlex.split(call)
    if words[0].startswith("--"):
        assert words[0] in ("--help", "--version")
        return
    assert words[0] in COMMANDS
    assert {word for word in words if word.startswith("--")} <= options(words[0])
    for option, value in pairwise(words):
        assert option != "--preset" or value in PRESETS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme_and_has_help(command: str) -> None:
    assert f"boxmask {command}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert COMMANDS[command].help
    assert all(getattr(one, "help", None) for one in COMMANDS[command].params)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_a_document_names_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:examples|tests|models|train|boxmask|\.ci)/[\w./-]*\w", text))
    named |= set(re.findall(r"\]\((?!http)([^)#]+)", text))
    missing = [path for path in named if not any((base / path).exists() for base in bases(name))]
    assert not missing


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_to_a_heading_finds_it(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for path, anchor in re.findall(r"\]\(([\w./-]*)#([^)]+)\)", text):
        page = (ROOT / name).parent / path if path else ROOT / name
        headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        slugs = [re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings]
        assert anchor in slugs, f"{page.name} has no heading #{anchor}"


def example_calls() -> list[tuple[str, str, str]]:
    """List (document, example, words after it) of every example that is shown being run."""
    found = []
    for name in (*DOCUMENTS, "boxmask/weights/MODEL_CARD.md", *EXAMPLES):
        text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
        calls = re.findall(r"python (examples/[\w/]+\.py)([^\n`&|>]*)", text)
        found += [(name, path, words) for path, words in calls]
    return found


@pytest.mark.parametrize(("document", "path", "words"), example_calls())
def test_every_example_takes_the_options_it_is_shown_with(
    document: str, path: str, words: str
) -> None:
    script = (ROOT / path).read_text("utf-8")
    taken = set(re.findall(r'add_argument\(\s*"(--[\w-]+)"', script))
    if "parse_known_args" in script:  # the others go to annotate
        taken |= options("annotate")
    assert set(re.findall(r"--[\w-]+", words)) <= taken, document


@pytest.mark.parametrize("path", EXAMPLES)
def test_every_example_shows_how_to_run_it(path: str) -> None:
    assert path in {shown for document, shown, _ in example_calls() if document == path}


def bases(name: str) -> tuple[Path, ...]:
    """Folders that a path in a document may begin at."""
    return ROOT, (ROOT / name).parent
