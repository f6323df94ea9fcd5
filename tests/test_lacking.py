"""The example that tells where masks lack: its thickness, and its table."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from evaluation_files import annotation, form, rectangle
from PIL import Image

from boxmask.evaluate.metrics import METRICS, MaskPair

sys.path.append(str(Path(__file__).parents[1] / "examples"))

from lacking import lines_of, table, thickness

BUNDLED = Path(__file__).parents[1] / "boxmask" / "weights" / "zoom-tinyvit.safetensors"


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(40, 40, 1.0), (10, 40, 4 * 400 / 100 / 20), (1, 400, 4 * 400 / 802 / 20)],
)
def test_thickness_of_a_filled_box(width: int, height: int, expected: float) -> None:
    bits = np.zeros((width + 9, height + 5), dtype=np.bool_)
    bits[3 : 3 + width, 2 : 2 + height] = True
    assert thickness(MaskPair(bits, bits, (500, 500))) == pytest.approx(expected)


def test_thickness_of_a_frame_and_of_nothing() -> None:
    bits = np.ones((50, 50), dtype=np.bool_)
    bits[2:-2, 2:-2] = False
    frame = thickness(MaskPair(bits, bits, (50, 50)))
    assert frame == pytest.approx(4 * (2500 - 46 * 46) / (200 + 4 * 46) / 50)
    assert np.isnan(thickness(MaskPair(bits & ~bits, bits, (50, 50))))


def test_the_groups_make_up_what_is_lacking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "coco"
    (folder / "images").mkdir(parents=True)
    boxes = [rectangle(2, 2, 20, 20), rectangle(10, 2, 18, 40), rectangle(5, 50, 90, 3)]
    truth = form([annotation(number, box) for number, box in enumerate(boxes, 1)])
    (folder / "instances_val.json").write_text(json.dumps(truth))
    for image in truth["images"]:
        size = (image["width"], image["height"])
        Image.new("RGB", size, "gray").save(folder / "images" / image["file_name"])
    monkeypatch.setitem(METRICS, "thickness", METRICS["iou"])  # so that the table's own is undone
    header, rule, *rows = table(tmp_path, [str(BUNDLED)])
    assert header.count("|") == rule.count("|") == 5
    assert [row.split("|")[2].strip() for row in rows if row.startswith("| COCO")] == ["3"]
    lines = list(lines_of(tmp_path, BUNDLED))
    for kind in ("pixels", "box covered", "thickness"):
        parts = [line for line in lines if line.name.startswith(kind)]
        assert sum(line.masks for line in parts) == 3
        assert sum(line.share or 0 for line in parts) == pytest.approx(1)
    assert [line.name for line in lines[-3:]] == [f"sides off by {e} %" for e in (5, 10, 20)]
