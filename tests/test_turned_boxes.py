"""The script that scores thin oblique objects: which it takes, and what it scores."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import boxmask
from boxmask.data import read
from boxmask.turned import corners_of

sys.path.append(str(Path(__file__).parents[1] / "examples"))

from turned_boxes import Score, cut, objects_of, report, scores_of

BARS = {20: (50.0, 60.0, 80.0, 12.0), 0: (150.0, 30.0, 80.0, 12.0), -30: (150.0, 90.0, 30.0, 24.0)}


def corners(degrees: float, cx: float, cy: float, w: float, h: float) -> list[list[float]]:
    box = np.array([[-w / 2, -h / 2, w / 2, h / 2]])
    found = corners_of(box, np.radians([degrees]))[0] + [cx, cy]
    return [[float(x), float(y)] for x, y in found]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A thin oblique bar, a thin upright one, and an oblique one that is not thin."""
    (tmp_path / "images").mkdir()
    picture = Image.new("RGB", (200, 120), (30, 90, 30))
    rows = []
    for number, (degrees, bar) in enumerate(BARS.items(), 1):
        ring = corners(degrees, *bar)
        ImageDraw.Draw(picture).polygon([(x, y) for x, y in ring], fill=(240, 220, 80))
        low, high = np.min(ring, axis=0), np.max(ring, axis=0)
        bbox = [*low.tolist(), *(high - low).tolist()]
        own = {"id": number, "image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": bbox}
        rows.append(own | {"segmentation": [[side for point in ring for side in point]]})
    picture.save(tmp_path / "images" / "a.png")
    images = [{"id": 1, "file_name": "a.png", "width": 200, "height": 120}]
    data = {"images": images, "annotations": rows, "categories": [{"id": 1, "name": "bar"}]}
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(data))
    return path


def test_only_what_is_thin_and_oblique_is_scored(file: Path) -> None:
    (found,) = objects_of(read(file), np.arange(3), (200, 120))
    assert found.row == 0 and found.thinness == pytest.approx(80 / 12, rel=0.15)
    near = np.linalg.norm(found.corners[:, None] - np.array(corners(20, *BARS[20])), axis=2)
    assert near.min(axis=0).max() < 2
    assert cut(np.ones((120, 200), np.bool_), found.corners).sum() == pytest.approx(
        81 * 13, rel=0.1
    )


def test_a_bright_bar_is_masked_by_each_box(file: Path) -> None:
    (score,) = scores_of(file, boxmask.load(device="cpu"), 0.0)
    upright, shut, turned, aside = score.ious
    assert min(upright, shut, turned, aside) > 0.5
    assert shut >= upright - 0.05


def test_the_report_has_a_line_a_level_and_one_for_all() -> None:
    scores = [Score(f"{k}", 2.0 + k, (0.5, 0.6, 0.7, 0.6)) for k in range(5)]
    lines = list(report(scores))
    assert len(lines) == 5 and lines[-1].startswith("2:1 or more")
    assert "+20.0  [+20.0 to +20.0]" in lines[-1]
