"""Masks that may leave their boxes: those of networks with window masks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from annotation_files import (
    HEIGHT,
    WIDTH,
    WINDOWS,
    Json,
    annotate,
    boxes_of,
    output,
    tiny_network,
    window_job,
)
from pycocotools import mask as coco_mask

from boxmask.check import check
from boxmask.data import read
from boxmask.geometry import paste_frame_runs
from boxmask.images import load_image
from boxmask.models import cut_views, large_boxes
from boxmask.models.cuts import mask_frames
from boxmask.models.hints import Neighbours
from boxmask.models.inference import predict_masks
from boxmask.rle import area


@pytest.mark.parametrize("tightness", [0.0, 0.1])
def test_each_window_mask_is_the_networks_answer_for_its_own_box(
    tmp_path: Path, tightness: float
) -> None:
    data = boxes_of(3, 6)
    data["categories"].append({"id": 2, "name": "two"})
    for one in data["annotations"][::2]:
        one["category_id"] = 2
    job = window_job(tmp_path, data, tightness=tightness, batch_boxes=4, shard_boxes=7)
    annotate(job)
    network = tiny_network(**WINDOWS).eval()
    sides = set()
    for record in output(job)["annotations"]:
        others = [one for one in data["annotations"] if one["image_id"] == record["image_id"]]
        present = np.array([one["bbox"] for one in others], np.float64)
        present[:, 2:] = np.minimum(present[:, :2] + present[:, 2:], [WIDTH, HEIGHT])
        at = [one["id"] for one in others].index(record["id"])
        box = present[at : at + 1]
        same = np.array([one["category_id"] == record["category_id"] for one in others])
        beside = np.arange(len(others)) != at
        image = load_image(job.images, f"{record['image_id']}.png")
        large = bool(large_boxes(network.config, box, tightness=tightness)[0])
        sides.add(large)
        views = cut_views(
            network.config,
            image,
            box,
            tightness=tightness,
            neighbours=[Neighbours(present[beside], same[beside])],
            large=large,
        )
        with torch.inference_mode():
            alone = predict_masks(network, views)
        frame = mask_frames(network.config, box, tightness=tightness)[0]
        mask = alone.probabilities[0].numpy()
        clip = frame if tightness else box[0]
        runs = paste_frame_runs(mask, frame, clip=clip, width=WIDTH, height=HEIGHT)
        # A batch may round differently from a box alone, which can turn a pixel at the border.
        assert abs(record["area"] - area(runs)) <= 2
        quality = float(alone.quality[0])
        assert record["boxmask"]["predicted_iou"] == pytest.approx(quality, abs=1e-3)
    assert sides == {False, True}


def test_a_mask_leaves_its_box_only_if_that_is_loose(tmp_path: Path) -> None:
    exact = window_job(tmp_path)
    loose = replace(exact, tightness=0.2, out=tmp_path / "loose.json")
    left = {}
    for job in (exact, loose):
        annotate(job)
        notes = [record["boxmask"] for record in output(job)["annotations"]]
        assert {note.get("tightness", 0) for note in notes} == {
            job.tightness if job is loose else 0
        }
        left[job.out.name] = sum(map(leaves, output(job)["annotations"]))
        report = check(read(job.boxes), job.out)
        assert report.holds, report.first
    assert left["out.json"] == 0 < left["loose.json"]


def leaves(record: Json) -> bool:
    x, y, w, h = record["boxmask"]["box"]
    left, top, width, height = record["bbox"]
    return bool(x < left or y < top or x + w > left + width or y + h > top + height)


@pytest.mark.parametrize("tighten", [False, True])
def test_polygons_of_masks_that_leave_their_boxes_are_whole(tmp_path: Path, tighten: bool) -> None:
    job = window_job(tmp_path, tightness=0.2, tighten=tighten)
    annotate(job)
    as_runs = output(job)["annotations"]
    annotate(replace(job, polygons=True, fresh=True))
    for runs, outlined in zip(as_runs, output(job)["annotations"], strict=True):
        parts = coco_mask.frPyObjects(outlined["segmentation"], HEIGHT, WIDTH)
        assert coco_mask.merge(parts)["counts"].decode() == runs["segmentation"]["counts"]
        assert outlined["boxmask"] == runs["boxmask"]
    assert check(read(job.boxes), job.out).holds


def test_masks_do_not_depend_on_threads_nor_on_shards(tmp_path: Path) -> None:
    # One box at a time, so that the sums of a batch round alike.
    job = window_job(tmp_path, boxes_of(3, 5), tightness=0.1, batch_boxes=1)
    annotate(job)
    other = replace(job, decoders=7, shard_boxes=100, out=tmp_path / "other.json")
    annotate(other)
    assert other.out.read_bytes() == job.out.read_bytes()
