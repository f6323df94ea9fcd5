"""The example of a fourth format runs, and what it reads has a COCO form."""

import json
import subprocess
import sys
from pathlib import Path

from box_files import write

ROOT = Path(__file__).parents[1]


def region(**shape: object) -> dict[str, object]:
    return {"shape_attributes": {"name": "rect"} | shape, "region_attributes": {"what": "owl"}}


def test_a_fourth_format_is_read_and_written_as_coco(tmp_path: Path) -> None:
    regions = [region(x=1, y=2, width=3, height=4), region(x=1, y=2, width=0, height=4)]
    path = write(
        tmp_path / "regions.json",
        {"a.jpg99": {"filename": "a.jpg", "size": 99, "regions": regions}},
    )
    command = [sys.executable, str(ROOT / "examples" / "add_a_reader.py"), str(path)]
    written = json.loads(subprocess.check_output(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}))
    assert written["images"] == [{"id": 1, "file_name": "a.jpg"}]
    assert written["categories"] == [{"id": 1, "name": "object"}]
    assert [row["bbox"] for row in written["annotations"]] == [[1, 2, 3, 4], [1, 2, 0, 4]]
    assert written["annotations"][0]["region_attributes"] == {"what": "owl"}
    assert written["annotations"][0]["image_id"] == 1


def test_the_benchmark_runs_on_a_small_file(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "examples" / "bench_reading.py"), "--annotations", "200"]
    table = subprocess.check_output(
        command, cwd=ROOT, text=True, env={"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    )
    assert table.startswith("200 annotations")
    assert [line.split()[0] for line in table.splitlines()[2:]] == ["json.load", "boxmask"]
