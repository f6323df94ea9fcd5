"""The example that draws crossing cables: its masks are where the cables are."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

# pycocotools.mask.decode warns under recent versions of numpy.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

SCRIPT = Path(__file__).parents[1] / "examples" / "crossing.py"
GREY = 128


def test_the_masks_are_what_was_drawn(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (320, 240), (GREY, GREY, GREY)).save(tmp_path / "photos" / "plain.png")
    Image.new("RGB", (320, 240)).save(tmp_path / "photos" / "another.png")  # the file names it not
    boxes, out = tmp_path / "boxes.json", tmp_path / "crossing"
    boxes.write_text('{"images": [{"id": 1, "file_name": "plain.png"}], "annotations": []}')
    given = [str(boxes), "--images", str(tmp_path / "photos"), "--out", str(out)]
    command = [sys.executable, str(SCRIPT), *given, "--count", "2"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    dataset = json.loads((out / "instances.json").read_text())
    found = dataset["annotations"]
    assert f"2 images, {len(found)} cables" in done.stdout
    assert [one["id"] for one in found] == list(range(1, len(found) + 1))
    for image in dataset["images"]:
        pixels = np.asarray(Image.open(out / "images" / image["file_name"])).astype(int)
        union = np.zeros(pixels.shape[:2], bool)
        for one in (one for one in found if one["image_id"] == image["id"]):
            mask = coco_mask.decode(one["segmentation"])
            assert mask.sum() == one["area"] > 0
            assert coco_mask.toBbox(coco_mask.encode(mask)).tolist() == one["bbox"]
            assert not (union & (mask > 0)).any()  # the upper cable hides the lower
            union |= mask > 0
        changed = np.abs(pixels - GREY).max(axis=2) > 40
        assert changed.any()
        assert union[changed].mean() > 0.95
