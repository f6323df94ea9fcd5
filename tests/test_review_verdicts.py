"""The verdicts file: what a power cut leaves is cut off, and what is something else stops all."""

import json
from pathlib import Path
from typing import Any

import pytest

from boxmask.errors import InputError, RunError
from boxmask.review.verdicts import VerdictLog, read_verdicts, standing


def opened(path: Path) -> VerdictLog:
    return VerdictLog.open(path, file="masks.json", annotations=3)


def said(log: VerdictLog, verdict: str, **more: Any) -> int:
    own = {"row": 0, "id": 1, "image": "a.png", "mask": "00"}
    return log.append(client="test", verdict=verdict, **(own | more)).seq


def test_what_was_appended_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    log = opened(path)
    assert [said(log, "accept"), said(log, "reject", row=2)] == [1, 2]
    log.close()
    entries = read_verdicts(path).entries
    assert [(one.seq, one.row, one.verdict) for one in entries] == [
        (1, 0, "accept"),
        (2, 2, "reject"),
    ]
    log = opened(path)
    assert said(log, "fix") == 3
    log.close()


@pytest.mark.parametrize("cut", [1, 20])
def test_a_half_written_last_line_is_cut_off_and_told(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "verdicts.jsonl"
    log = opened(path)
    said(log, "accept")
    whole = path.stat().st_size
    said(log, "reject")
    log.close()
    path.write_bytes(path.read_bytes()[:-cut])
    torn = read_verdicts(path)
    assert len(torn.entries) == 1 and torn.torn > 0
    log = opened(path)
    assert path.stat().st_size == whole and said(log, "fix") == 2
    log.close()
    assert [one.verdict for one in read_verdicts(path).entries] == ["accept", "fix"]


SOUND = {"seq": 2, "at": "", "client": "c", "row": 1, "id": 1, "image": "a", "mask": "0"}
ODD = [
    SOUND | {"verdict": "love"},
    SOUND | {"verdict": "accept", "client": ["c"]},
    SOUND | {"verdict": "accept", "image": {}},
    SOUND | {"verdict": "accept", "row": [1]},
    SOUND | {"verdict": "audit", "row": {}, "size": 2, "seed": 1},
    SOUND | {"verdict": "audit", "row": None, "size": "2"},
    SOUND | {"verdict": "accept", "undoes": {}},
    SOUND | {"verdict": "accept", "id": [[[1]]]},
    SOUND | {"verdict": "accept", "by": [[[]]]},
    SOUND | {"verdict": "accept", "at": None},
    SOUND | {"verdict": "corrected", "rle": {"size": [1], "counts": 3}},
    SOUND | {"verdict": "drawn", "rle": {"size": [4, 4], "counts": "%%"}},
]


@pytest.mark.parametrize("line", ["no json", "[]", '{"seq": 1}', *map(json.dumps, ODD)])
def test_a_line_that_is_no_verdict_stops_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "verdicts.jsonl"
    log = opened(path)
    said(log, "accept")
    log.close()
    before = path.read_bytes() + line.encode() + b"\n"
    path.write_bytes(before)
    with pytest.raises(InputError, match="line 3: this is no verdict"):
        opened(path)
    assert path.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no such device")
def test_a_name_that_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, Path("/dev/full")):
        with pytest.raises(InputError, match="no ordinary file"):
            read_verdicts(path)
        with pytest.raises(InputError, match="no ordinary file"):
            opened(path)


@pytest.mark.parametrize("content", ["hello\n", "mine", '{"images": []}\n'])
def test_a_file_of_somebody_else_is_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "verdicts.jsonl"
    path.write_text(content)
    with pytest.raises(InputError, match="no verdicts file"):
        opened(path)
    assert path.read_text() == content


def test_verdicts_of_a_later_form_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    path.write_text(json.dumps({"boxmask_review": 9}) + "\n")
    with pytest.raises(InputError, match="of form 9"):
        read_verdicts(path)


def test_only_one_process_appends(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    log = opened(path)
    with pytest.raises(RunError, match="another boxmask review"):
        opened(path)
    log.close()
    opened(path).close()


def test_what_undoes_an_undoing_brings_it_back(tmp_path: Path) -> None:
    log = opened(tmp_path / "verdicts.jsonl")
    said(log, "accept")
    said(log, "reject")
    said(log, "undo", undoes=2)
    log.close()
    entries = read_verdicts(log.path).entries
    assert [one.verdict for one in standing(entries)] == ["accept"]
    log = opened(log.path)
    said(log, "undo", undoes=3)
    log.close()
    entries = read_verdicts(log.path).entries
    assert [one.verdict for one in standing(entries)] == ["accept", "reject"]
