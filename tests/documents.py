"""The documents, run: what a page shows is what its commands print.

    python tests/documents.py [--times] README.md docs/*.md

writes what the commands print today into the pages that are named, where it differs; with --times
also where only times do, for a machine that does nothing else.

A ```console block holds commands after `$ ` and below each what it prints; a line `...` stands for
any lines. All blocks of a page run in one folder, in their order, beside a link to examples/. Text
and whole numbers must be the same, other numbers nearly (processors round differently), and times
may be any. What a page shows of a command is its standard output, or its messages if that is empty.
"""

import contextlib
import doctest
import io
import os
import re
import runpy
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_TIME = re.compile(
    r"\d+ h \d+ min|\d+ min \d+ s|\d+:\d\d:\d\d|[\d.]+ (?:s|min|h|ms|boxes/s)\b|waiting \d+%"
)
_NUMBER = re.compile(r"-?\d+\.\d+")
_TOLERANCE = 0.1  # of a number, or of one where it is smaller


class Shown(NamedTuple):
    """A command as a page shows it, and the lines below it."""

    command: str
    output: str
    typed: str  # the command as it stands in the page, with its prompt


def blocks(text: str) -> list[tuple[str, str]]:
    """List (language, content) of the fenced blocks of a page."""
    return [(language, body) for language, body in _FENCE.findall(text)]


def commands(block: str) -> list[Shown]:
    """Take a console block apart; a command may go on after a backslash."""
    pieces = re.split(r"^\$ ", block, flags=re.MULTILINE)
    assert not pieces[0].strip(), f"a console block begins with $: {block!r}"
    found = []
    for piece in pieces[1:]:
        match = re.match(r"(?:.*\\\n)*.*\n", piece)
        assert match
        command = match[0].replace("\\\n", " ").strip()
        found.append(Shown(command, piece[match.end() :], f"$ {match[0]}"))
    return found


def fits(shown: str, printed: str) -> bool:
    """Tell whether what a page shows is what was printed, a line `...` standing for any lines."""
    wanted, got = (
        [line.rstrip() for line in text.strip("\n").splitlines()] for text in (shown, printed)
    )
    return _fit(wanted, got)


def _fit(wanted: list[str], got: list[str]) -> bool:
    if "..." not in wanted:
        return len(wanted) == len(got) and all(map(_alike, wanted, got))
    place = wanted.index("...")
    before, after = wanted[:place], wanted[place + 1 :]
    if len(got) < place or not all(map(_alike, before, got)):
        return False
    return any(_fit(after, got[start:]) for start in range(place, len(got) + 1))


def _alike(wanted: str, got: str) -> bool:
    wanted, got = (_TIME.sub("TIME", line) for line in (wanted, got))
    texts = [re.sub(r"[ ─]+", " ", _NUMBER.sub("0", line)) for line in (wanted, got)]
    pairs = zip_longest(*(map(float, _NUMBER.findall(line)) for line in (wanted, got)))
    return texts[0] == texts[1] and all(
        abs(one - other) <= _TOLERANCE * max(1, abs(one)) for one, other in pairs
    )


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Make the folder that a page runs in, and work there."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        (Path(name) / "examples").symlink_to(ROOT / "examples")
        yield Path(name)


def printed(command: str) -> str:
    """Run a command in the present folder; return what a page shows of it."""
    words = shlex.split(command)
    if words[0] == "boxmask" and words[-2] == ">":
        Path(words[-1]).write_text(_boxmask(words[1:-2]), encoding="utf-8")
        return ""
    if words[0] == "boxmask":
        return _boxmask(words[1:])
    if words[0] == "python" and words[1].endswith(".py"):
        return _script(words[1], words[2:])
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    return done.stdout or done.stderr


def _boxmask(words: list[str]) -> str:
    from boxmask.cli import app

    done = CliRunner(env={"COLUMNS": "80"}).invoke(app, words, prog_name="boxmask")
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout or done.stderr


def _script(path: str, words: list[str]) -> str:
    out, kept, paths = io.StringIO(), sys.argv, sys.path[:]
    sys.argv = [path, *words]
    sys.path.insert(0, str(Path(path).resolve().parent))
    try:
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            runpy.run_path(path, run_name="__main__")
    finally:
        sys.argv, sys.path[:] = kept, paths
    return out.getvalue()


def run_python(block: str, name: str, names: dict[str, Any]) -> None:
    """Run Python as a page shows it, as doctests where it has prompts; `names` are the page's."""
    if ">>>" not in block:
        exec(compile(block, name, "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(block, names, name, None, None)
    said: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.DocTestRunner(optionflags=flags).run(test, out=said.append, clear_globs=False)
    names.update(test.globs)  # a doctest works on a copy
    assert not result.failed, "".join(said)


def refresh(page: Path, *, times: bool = False) -> list[str]:
    """Write what the commands of a page print into it; return the commands whose output changed."""
    text, changed = page.read_text(encoding="utf-8"), []
    names: dict[str, Any] = {}
    with folder():
        for language, block in blocks(text):
            if language == "python":
                try:
                    run_python(block, page.name, names)
                except AssertionError as error:  # to be mended by hand
                    print(f"{page.name}: {error}", file=sys.stderr)
            if language != "console":
                continue
            written = ""
            for shown in commands(block):
                now = "".join(f"{line.rstrip()}\n" for line in printed(shown.command).splitlines())
                free = times and "..." not in shown.output.splitlines()
                if not fits(shown.output, now) or (free and shown.output != now):
                    changed.append(shown.command)
                    shown = shown._replace(output=now)
                written += shown.typed + shown.output
            text = text.replace(block, written)
    page.write_text(text, encoding="utf-8")
    return changed


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the tests have it
    for name in sys.argv[1:]:
        if name != "--times":
            for command in refresh(Path(name).resolve(), times="--times" in sys.argv):
                print(f"{name}: {command}")
