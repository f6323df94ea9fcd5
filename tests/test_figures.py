"""The table of figures: every row is measured, and it goes where the documents want it."""

import json
import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest
from annotation_files import WINDOWS, write_weights
from front_files import PHOTOS

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "examples" / "figures.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(FIGURES))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two photographs with a box as the mask of a few things, in each of the folders."""
    boxes = json.loads((PHOTOS / "boxes.json").read_text())
    boxes["images"] = [image for image in boxes["images"] if image["id"] in (1, 2)]
    boxes["annotations"] = [one for one in boxes["annotations"] if one["id"] in (4, 5, 6)]
    for one in boxes["annotations"]:
        x, y, w, h = one["bbox"]
        one["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    for name in ("coco", "animals"):
        (tmp_path / name / "images").mkdir(parents=True)
        for image in boxes["images"]:
            shutil.copy(PHOTOS / image["file_name"], tmp_path / name / "images")
        (tmp_path / name / "instances_val.json").write_text(json.dumps(boxes))
    return tmp_path


def test_every_row_is_measured(script: dict[str, Any], data: Path) -> None:
    weights = str(write_weights(data, **WINDOWS))
    lines = script["table"](data, weights).splitlines()
    assert len(lines) == 2 + len(script["ROWS"]) + 2
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert [row[1].startswith("exact; the ellipse") for row in cells].count(True) == 2
    assert {row[0] for row in cells} == {"2 of COCO", "2 of wild animals"}
    for row in cells:
        assert re.fullmatch(r"\d+\.\d \[\d+\.\d, \d+\.\d\]", row[3]), row
    assert [row[2] == "1.00" for row in cells].count(False) == 3


def test_the_documents_have_a_place_for_the_table(script: dict[str, Any]) -> None:
    for path in script["DOCUMENTS"]:
        text = path.read_text(encoding="utf-8")
        assert text.count(script["BEGIN"]) == text.count(script["END"]) == 1
        assert script["HEAD"] in text.partition(script["BEGIN"])[2].partition(script["END"])[0]


def test_both_documents_show_the_same_figures(script: dict[str, Any]) -> None:
    texts = [path.read_text(encoding="utf-8") for path in script["DOCUMENTS"]]
    tables = [t.partition(script["BEGIN"])[2].partition(script["END"])[0] for t in texts]
    assert tables[0] == tables[1]


def test_the_table_replaces_the_one_before(script: dict[str, Any], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{script['BEGIN']}\nold\n{script['END']}after\n")
    script["write"](page, "new\n")
    assert page.read_text() == f"before\n{script['BEGIN']}\nnew\n\n{script['END']}after\n"
