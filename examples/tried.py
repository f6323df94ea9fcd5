"""How often our promises were tried: counted in docs/promises.json, told by docs/promises.md.

    python examples/tried.py      # writes the figures of the file into the page

`kills.py`, `kill_review.py` and `fuzz.py` add what they try to the file that `--ledger` names.
"""

import fcntl
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from boxmask.durable import replace_file

DOCS = Path(__file__).parents[1] / "docs"
LEDGER, PAGE = DOCS / "promises.json", DOCS / "promises.md"

Entry = dict[str, int | str]  # counts by name, and "last": the day of the last of them

_OUTPUTS = "{outputs:,} outputs, all with the bytes of an undisturbed run"
_KILLS = (
    "{kills:,} kills ({of the run:,} of the run, {of a helper:,} of a process working for it) in "
    f"{{runs:,}} runs; {_OUTPUTS}"
)
_FILES = "{files:,} files tried, {findings:,} findings"
# What is said of the counts of each script.
SENTENCES = {
    "kills.py --engine one": _KILLS,
    "kills.py --engine workers": _KILLS,
    "kills.py --engine ray": _KILLS.replace(")", ", {of a node:,} of a whole node)", 1),
    "kill_review.py": "{kills:,} kills, {verdicts:,} verdicts answered, none lost",
    "fuzz.py": _FILES,
    "fuzz.py --guided": _FILES,
}
_CELL = re.compile(r"[\d,]+(?= (kills|files) by `examples/([^`]+)`)")
_BLOCK = re.compile(r"(?<=^```\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)


class Tally:
    """What a script has tried; with a ledger also before, which is then written at once."""

    def __init__(self, script: str, ledger: Path | None) -> None:
        self.script, self.ledger = script, ledger
        kept = read_ledger(ledger).get(script, {}) if ledger is not None else {}
        self.counts = Counter({k: v for k, v in kept.items() if isinstance(v, int)})

    def add(self, **more: int) -> None:
        """Count what has happened; words are joined by _ for the blanks between them."""
        counts = Counter({name.replace("_", " "): count for name, count in more.items()})
        self.counts.update(counts)
        if self.ledger is None:
            return
        with _alone(self.ledger.parent):
            entries = read_ledger(self.ledger)
            entry = entries.setdefault(self.script, {})
            for name, count in counts.items():
                entry[name] = int(entry.get(name, 0)) + count
            entry["last"] = time.strftime("%Y-%m-%d", time.gmtime())
            with replace_file(self.ledger) as stream:
                stream.write(json.dumps(entries, indent=2, sort_keys=True).encode() + b"\n")

    def line(self) -> str:
        """Say all of it."""
        return sentence(self.script, self.counts)


def read_ledger(path: Path) -> dict[str, Entry]:
    """Return what is counted so far, by script."""
    found: dict[str, Entry] = json.loads(path.read_bytes()) if path.exists() else {}
    return found


def sentence(script: str, counts: Mapping[str, int | str]) -> str:
    """Say what a script has tried."""
    form = SENTENCES[script]
    return form.format_map(dict.fromkeys(re.findall(r"{([^:}]+)", form), 0) | dict(counts))


def written(page: str, ledger: Mapping[str, Entry]) -> str:
    """Return the page with the counts of the ledger, in its table and its block."""
    told = "".join(
        f"{script}: {sentence(script, ledger[script])}; last on {ledger[script]['last']}\n"
        for script in SENTENCES
        if script in ledger
    )
    page = _CELL.sub(lambda cell: f"{ledger[cell[2]][cell[1]]:,}", page)
    return _BLOCK.sub(lambda _: told, page)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let no other script count in a folder meanwhile."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), read_ledger(LEDGER)), "utf-8")
