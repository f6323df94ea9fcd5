"""The command `boxmask check`: what it prints and its exit status."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from boxmask.cli import app


def write(folder: Path, **changes: Any) -> list[str]:
    """Write an input and an output whose only annotation was skipped; return their names."""
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5]}
    image = {"id": 1, "file_name": "a.jpg", "width": 9, "height": 9}
    data = {"images": [image], "categories": [], "annotations": [annotation]}
    (folder / "in.json").write_text(json.dumps(data))
    note = {"status": "skipped", "reason": "image missing"}
    data["annotations"] = [{**annotation, "boxmask": note, **changes}]
    (folder / "out.json").write_text(json.dumps(data))
    return [str(folder / "in.json"), str(folder / "out.json")]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments])


def test_what_became_of_everything_is_said_with_status_0(
    tmp_path: Path,
) -> None:
    result = run(*write(tmp_path))
    assert result.exit_code == 0
    assert "Every annotation is there once" in result.output
    assert "1 skipped: image missing" in result.output


def test_what_is_lost_is_status_4_and_names_the_record(tmp_path: Path) -> None:
    result = run(*write(tmp_path, bbox=[0, 0, 5, 6]))
    assert result.exit_code == 4
    assert 'annotations[0] (id 1): "bbox" was [0, 0, 5, 5] and is [0, 0, 5, 6]' in result.output


@pytest.mark.parametrize(("changes", "holds"), [({}, True), ({"iscrowd": 1}, False)])
def test_json_is_one_object_for_programs(
    tmp_path: Path, changes: dict[str, Any], holds: bool
) -> None:
    result = run(*write(tmp_path, **changes), "--json")
    summary = json.loads(result.stdout)
    assert summary["holds"] is holds and summary["broken"] == len(summary["first"]) == (not holds)
    assert summary["annotations"] == 1 and summary["reasons"] == {"image missing": 1}
    assert result.exit_code == (0 if holds else 4)


def test_quiet_and_verbose_change_what_is_listed(tmp_path: Path) -> None:
    assert run(*write(tmp_path), "-q").stdout == ""
    names = write(tmp_path)
    data = json.loads((tmp_path / "in.json").read_text())
    data["images"] += [{**data["images"][0], "id": id} for id in range(2, 15)]
    (tmp_path / "in.json").write_text(json.dumps(data))
    few, all = run(*names, "-q").stdout, run(*names, "-v").stdout
    assert "The first of them:" in few
    assert few.count("images") == 10 and all.count('"images"[') == 13
    assert "1 annotations" in all and "annotations\n" not in few


def test_what_is_lost_of_a_converted_file_asks_after_the_reading_options(tmp_path: Path) -> None:
    names = write(tmp_path)
    (tmp_path / "in.json").write_text('{"images": [{"file": "a.jpg", "detections": []}]}')
    assert "--metadata" in run(*names).stdout
    assert "--metadata" not in run(*write(tmp_path, bbox=[1])).stdout


def test_reading_options_reach_the_reader(tmp_path: Path) -> None:
    result = run(*write(tmp_path), "--format", "nonsense")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ") and "'nonsense'" in result.stderr
