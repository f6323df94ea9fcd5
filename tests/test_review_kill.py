"""A server that is killed at random moments, while three tabs judge, loses nothing it answered."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="the extra boxmask[review] is not installed")
SCRIPT = Path(__file__).parents[1] / "examples" / "kill_review.py"


def test_no_verdict_that_was_answered_is_lost(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.json"
    command = [sys.executable, str(SCRIPT), "--rounds", "3", "--seed", "7"]
    command += ["--ledger", str(ledger)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    found = re.match(r"3 kills, ([\d,]+) verdicts answered, none lost", ended.stdout)
    assert found is not None and found[1] != "0"
    counts = json.loads(ledger.read_bytes())["kill_review.py"]
    assert counts["kills"] == 3 and f"{counts['verdicts']:,}" == found[1]
