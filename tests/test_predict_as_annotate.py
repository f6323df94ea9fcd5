"""MaskPrediction of single pictures in Python are those of `annotate`, to the byte."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotation_files import WINDOWS, Json, annotate, boxes_of, make_job, output, write_weights

import boxmask
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.network import DeviceNetwork
from boxmask.models import Cuts
from boxmask.models.prediction import MaskPrediction

# pycocotools.mask.decode of 2.0.11 under numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT / "examples" / "photos"
NETWORKS: dict[str, Json] = {
    "zoom": {},
    "windows": WINDOWS,
    "deepmac": {"family": "deepmac", "image_size": 64},
}

BATCHES = ("batch_boxes", "batch_images", "shard_boxes")


def corners(data: Json) -> list[list[float]]:
    found = [one["bbox"] for one in data["annotations"]]
    return [[x, y, x + w, y + h] for x, y, w, h in found]


def crowded(boxes: int) -> Json:
    """Make one image of so many boxes of two labels, some over its border."""
    data = boxes_of(1, boxes)
    for k, one in enumerate(data["annotations"]):
        one["bbox"] = [k % 31 - 2, k % 7 - 1, 6 + k % 23, 5 + k % 19]
        one["category_id"] = 1 + k % 2
    data["categories"].append({"id": 2, "name": "other"})
    return data


def labels_of(data: Json) -> list[str]:
    return ["even" if one["category_id"] == 1 else "odd" for one in data["annotations"]]


def require_law(found: boxmask.PredictedMasks, written: Sequence[Json]) -> None:
    assert len(found) == len(written)
    assert [one["segmentation"] for one in written] == found.rle
    notes = [one["boxmask"] for one in written]
    assert [note["predicted_iou"] for note in notes] == [
        round(float(iou), 4) for iou in found.expected_iou
    ]
    x, y, w, h = np.array([note["box"] for note in notes]).T
    assert found.boxes.tolist() == np.stack([x, y, x + w, y + h], axis=1).tolist()


# More boxes than a batch holds, so that batches of both sizes of views fill up and go on.
@pytest.mark.parametrize("boxes", [1, 9, 150])
@pytest.mark.parametrize(
    ("network", "told"),
    [
        ("zoom", {}),
        ("zoom", {"flip": True}),
        ("windows", {}),
        ("windows", {"tightness": 0.1}),
        ("windows", {"neighbours": False, "flip": True}),
        ("deepmac", {}),
    ],
)
def test_the_law(tmp_path: Path, network: str, told: dict[str, Any], boxes: int) -> None:
    data = crowded(boxes)
    weights = write_weights(tmp_path, **NETWORKS[network])
    spelled = dict(told)
    if network == "windows":
        spelled = {"tightness": 0.0} | told
        spelled["neighbours"] = "on" if told.get("neighbours", True) else "off"
    batch = {
        name: getattr(AnnotateJob, name) for name in ("batch_boxes", "batch_images", "shard_boxes")
    }
    job = make_job(tmp_path, data, weights=weights, device="cpu", **batch, **spelled)
    annotate(job)
    predict = boxmask.load(weights, device="cpu")
    found = predict(tmp_path / "images" / "0.png", corners(data), labels=labels_of(data), **told)
    require_law(found, output(job)["annotations"])
    annotate(replace(job, polygons=True, fresh=True))
    assert found.polygons() == [one["segmentation"] for one in output(job)["annotations"]]


@pytest.mark.parametrize("network", NETWORKS)
def test_the_network_sees_the_same_batches(
    tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Any, ...]] = []
    predict_cuts = DeviceNetwork.predict

    def watched(self: DeviceNetwork, cuts: Cuts, **options: Any) -> MaskPrediction:
        seen.append((cuts.pixels, cuts.boxes, cuts.index, cuts.hints, options))
        return predict_cuts(self, cuts, **options)

    monkeypatch.setattr(DeviceNetwork, "predict", watched)
    data = crowded(150)
    weights = write_weights(tmp_path, **NETWORKS[network])
    batch = {
        name: getattr(AnnotateJob, name) for name in ("batch_boxes", "batch_images", "shard_boxes")
    }
    torch: Any = {"device": "cpu", "runtime": "torch"}  # whatever graphs other tests have made
    annotate(make_job(tmp_path, data, weights=weights, tightness=0.0, **torch, **batch))
    batches, seen = seen, []
    predict = boxmask.load(weights, **torch)
    predict(tmp_path / "images" / "0.png", corners(data), labels=labels_of(data))
    assert len(seen) == len(batches) >= (1 if network == "deepmac" else 3)
    for one, other in zip(seen, batches, strict=True):
        for a, b in zip(one, other, strict=True):
            assert np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b


def test_the_law_with_the_bundled_model(tmp_path: Path) -> None:
    data = json.loads((PHOTOS / "boxes.json").read_bytes())
    predict = boxmask.load(device="cpu")
    for image in data["images"][1:3]:
        own = [one for one in data["annotations"] if one["image_id"] == image["id"]]
        only = data | {"images": [image], "annotations": own}
        (tmp_path / "boxes.json").write_text(json.dumps(only))
        job = AnnotateJob(
            boxes=tmp_path / "boxes.json",
            images=PHOTOS,
            out=tmp_path / f"{image['id']}.json",
            device="cpu",
            tightness="auto",
        )
        annotate(job)
        found = predict(
            PHOTOS / image["file_name"],
            corners(only),
            labels=[one["category_id"] for one in own],
        )
        require_law(found, output(job)["annotations"])
        assert found.expected_iou.mean() > 0.6
