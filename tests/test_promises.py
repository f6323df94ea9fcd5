"""The page of promises tells what was tried as the ledger has it, and the scripts count there."""

import json
import re
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "examples"))

from tried import LEDGER, PAGE, SENTENCES, Tally, read_ledger, sentence, written

FUZZ = Path(__file__).parents[1] / "examples" / "fuzz.py"


def test_the_page_has_the_counts_of_the_ledger() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page, read_ledger(LEDGER)), "run: python examples/tried.py"


def test_everything_that_was_counted_is_in_the_table() -> None:
    named = set(re.findall(r" by `examples/([^`]+)`", PAGE.read_text(encoding="utf-8")))
    assert named == read_ledger(LEDGER).keys() <= SENTENCES.keys()


def test_what_is_counted_changes_the_page(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    ledger = tmp_path / "ledger.json"
    ledger.write_bytes(LEDGER.read_bytes())
    before = read_ledger(ledger)["fuzz.py"]["files"]
    Tally("fuzz.py", ledger).add(files=123_456, findings=1)
    now = written(page, read_ledger(ledger))
    told = f"{int(before) + 123_456:,} files"
    assert f"| {told} by `examples/fuzz.py`" in now and f"fuzz.py: {told} tried, " in now
    assert page.count("\n") == now.count("\n") and told not in page


def test_counts_are_kept_from_one_time_to_the_next(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.json"
    script = "kills.py --engine workers"
    Tally(script, ledger).add(kills=1, of_the_run=1)
    again = Tally(script, ledger)
    again.add(kills=1, of_a_helper=1)
    Tally("kill_review.py", ledger).add(kills=3, verdicts=2000)  # meanwhile
    again.add(runs=1)
    assert again.line().startswith("2 kills (1 of the run, 1 of a process working for it) in 1 run")
    assert sentence(script, read_ledger(ledger)[script]) == again.line()
    assert Tally("kill_review.py", ledger).line() == "3 kills, 2,000 verdicts answered, none lost"
    assert not list(tmp_path.glob(".*"))
    alone = Tally("fuzz.py", None)
    alone.add(files=1)
    assert alone.line() == "1 files tried, 0 findings"


def test_files_that_are_tried_are_counted(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.json"
    options = ["--minutes", "0.001", "--only", "rle", "--ledger", str(ledger)]
    command = [sys.executable, str(FUZZ), *options]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    counts = json.loads(ledger.read_bytes())["fuzz.py"]
    assert f"{counts['files']:,} files tried, {counts['findings']} findings" in ended.stdout
    assert counts["files"] > 0
