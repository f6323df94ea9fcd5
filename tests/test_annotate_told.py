"""What a network is told of the boxes: how loose they are, and where their neighbours are."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from annotation_files import (
    HEIGHT,
    WIDTH,
    Json,
    annotate,
    boxes_of,
    make_job,
    output,
    silent,
    tiny_network,
    write_weights,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from boxmask.annotate import neighbours
from boxmask.annotate.estimate import estimate
from boxmask.annotate.hints import Hints, hints_without_measuring, takes_hints
from boxmask.annotate.job import AnnotateJob, parse_tightness
from boxmask.annotate.neighbours import ImageBoxes, find_neighbours
from boxmask.annotate.prepare import prepare_image
from boxmask.annotate.work_folder import WorkFolder
from boxmask.annotate.workload import Inputs, Workload, open_workload
from boxmask.check import check
from boxmask.data import read
from boxmask.errors import ConfigError, InputError, RunError
from boxmask.geometry import paste_frame_runs
from boxmask.images import load_image
from boxmask.models import cut_views, large_boxes
from boxmask.models.hints import Neighbours
from boxmask.models.inference import predict_masks
from boxmask.models.views import mask_frames
from boxmask.rle import area

Floats = npt.NDArray[np.float64]
WINDOWS = {"window_masks": True, "head": "hourglass10", "view_size": 24, "large_view_size": 28}


def window_job(folder: Path, data: Json | None = None, **changes: Any) -> AnnotateJob:
    """Make a job of a network with window masks, on photos full of boxes over each other."""
    folder.mkdir(exist_ok=True)
    return make_job(folder, data, weights=write_weights(folder, **WINDOWS), **changes)


def workload_of(job: AnnotateJob) -> Workload:
    return open_workload(Inputs(job, "cpu", "fp32", silent), hints_without_measuring(job))


boxes = st.lists(
    st.tuples(*[st.integers(0, 30)] * 2, *[st.integers(1, 15)] * 2, st.integers(0, 2)),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=100)
@given(boxes, st.data(), st.sampled_from([1, 7, 1000]))
def test_neighbours_are_the_boxes_that_reach_into_the_window(
    found: list[tuple[int, ...]], data: st.DataObject, entries: int
) -> None:
    table = np.array(found, np.float64)
    corners = np.hstack([table[:, :2], table[:, :2] + table[:, 2:4]])
    labels, rows = table[:, 4].astype(np.int32), np.arange(len(table)) + 100
    asked = np.array(sorted(data.draw(st.sets(st.sampled_from(range(len(table)))))), np.int64)
    windows = corners[asked] + [-2, -1, 1, 2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_ENTRIES", entries)
        those = find_neighbours(
            ImageBoxes(rows[asked], corners[asked], labels[asked]),
            ImageBoxes(rows, corners, labels),
            windows,
        )
    assert len(those) == len(asked)
    for one, (x0, y0, x1, y1), near in zip(asked.tolist(), windows, those, strict=True):
        inside = [
            other
            for other, (left, top, right, bottom) in enumerate(corners.tolist())
            if other != one
            and min(right, x1) - max(left, x0) > 0
            and min(bottom, y1) - max(top, y0) > 0
        ]
        assert np.array_equal(near.boxes, corners[inside])
        assert near.same.tolist() == (labels[inside] == labels[one]).tolist()


def test_neighbours_are_all_sound_boxes_of_the_image_whatever_is_asked(tmp_path: Path) -> None:
    data = boxes_of(2, 6)
    for place, change in enumerate(
        (
            {},
            {"segmentation": [[1, 1, 9, 1, 9, 9]]},  # has a mask
            {"bbox": [4, 4, 0, 5]},
            {"iscrowd": 1},
            {"bbox": [39, 5, 20, 5], "category_id": 2},  # over the border
            {"bbox": [50, 5, 20, 5]},  # outside
        )
    ):
        data["annotations"][2 * place].update(change)
    workload = workload_of(window_job(tmp_path, data))
    assert workload.hints == Hints(0.0, neighbours=True)
    assert workload.objects(0).tolist() == [0, 2, 8]
    assert workload.objects(1).tolist() == [1, 3, 5, 7, 9, 11]


class Watched:
    """Stands for `cut_views`, and remembers what it was told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[tuple[Floats, float, list[Neighbours] | None]] = []
        monkeypatch.setattr("boxmask.annotate.prepare.cut_views", self)

    def __call__(self, config: Any, image: Any, boxes: Floats, **told: Any) -> Any:
        self.told.append((boxes, told["tightness"], told["neighbours"]))
        return cut_views(config, image, boxes, **told)


def test_the_network_is_told_what_was_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(monkeypatch)
    config = tiny_network(**WINDOWS).config
    job = window_job(tmp_path, boxes_of(1, 3), tightness=0.1)
    for wanted in (job, replace(job, neighbours="off")):
        workload = workload_of(wanted)
        prepare_image(workload, config, image=0, rows=np.array([1]))
    (boxes, tightness, near), (_, _, none) = watched.told
    assert boxes.tolist() == [[1, 4, 11, 24]] and tightness == 0.1
    assert near is not None and none is None
    assert near[0].boxes.tolist() == [[0, 4, 9, 24], [2, 4, 13, 24]]
    assert near[0].same.all()


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
    other = replace(job, threads=7, shard_boxes=100, out=tmp_path / "other.json")
    annotate(other)
    assert other.out.read_bytes() == job.out.read_bytes()


def test_neighbours_change_the_masks_and_can_be_left_out(tmp_path: Path) -> None:
    job = window_job(tmp_path)
    alone = replace(job, neighbours="off", out=tmp_path / "alone.json")
    for one in (job, alone):
        annotate(one)
    assert output(job)["annotations"] != output(alone)["annotations"]


def plain(folder: Path) -> Json:
    return boxes_of(1, 2)


def detections(folder: Path) -> Json:
    found = [{"category": "1", "conf": 0.9, "bbox": [0.1, 0.2, 0.5, 0.5]}]
    images = [{"file": "0.png", "detections": found, "max_detection_conf": 0.9}]
    return {"images": images, "detection_categories": {"1": "animal"}, "info": {}}


def genome(folder: Path) -> list[Json]:
    image = {"image_id": 5, "url": "https://x/0.png", "width": WIDTH, "height": HEIGHT}
    (folder / "image_data.json").write_text(json.dumps([image]))
    thing = {"object_id": 3, "x": 2, "y": 3, "w": 20, "h": 9, "names": ["tree"]}
    return [{"image_id": 5, "objects": [thing | {"synsets": ["tree.n.01"]}]}]


@pytest.mark.parametrize(
    ("maker", "told"),
    [
        (plain, Hints(0.0, neighbours=True)),
        (detections, Hints(0.08, neighbours=True)),
        (genome, Hints(0.08, neighbours=False)),
    ],
)
def test_what_the_format_decides_is_in_the_plan_and_can_be_overruled(
    tmp_path: Path, maker: Callable[[Path], Any], told: Hints
) -> None:
    job = window_job(tmp_path)
    job.boxes.write_text(json.dumps(maker(tmp_path)))
    assert hints_without_measuring(job) == annotate(job).told == told
    assert check(read(job.boxes), job.out).holds
    plan = json.loads(WorkFolder(job.out).plan.read_bytes())["settings"]
    assert plan["--tightness"] == told.tightness
    assert plan["--neighbours"] == ("on" if told.neighbours else "off")
    same = replace(job, tightness=told.tightness, neighbours="on" if told.neighbours else "off")
    assert annotate(same).already_done
    other = replace(job, tightness=0.25, neighbours="off" if told.neighbours else "on")
    assert hints_without_measuring(other) == Hints(0.25, not told.neighbours)
    with pytest.raises(RunError, match=rf"--tightness: was {told.tightness}, now 0\.25\n  --neigh"):
        annotate(other)


def test_a_dry_run_says_what_would_be_told(tmp_path: Path) -> None:
    job = window_job(tmp_path, tightness=0.1)
    assert estimate(job, silent).told == Hints(0.1, neighbours=True)


def test_a_network_without_window_masks_cannot_be_told(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    for fine in (job, replace(job, tightness=0.0, neighbours="off")):
        assert hints_without_measuring(fine) is None
    summary = annotate(job)
    assert summary.told is None
    assert all("tightness" not in one["boxmask"] for one in output(job)["annotations"])
    for changes, said in (
        ({"tightness": 0.1}, r"tiny.safetensors: --tightness is 0\.1, but .* cannot be told"),
        ({"neighbours": "on"}, "--neighbours is on, but this network has no window masks"),
    ):
        with pytest.raises(ConfigError, match=said):
            annotate(replace(job, **changes))
        with pytest.raises(ConfigError, match=said):
            estimate(replace(job, **changes), silent)


@pytest.mark.parametrize("content", [b"", b"garbage" * 10, b"\x80pickle"])
def test_weights_that_cannot_be_read_cannot_be_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    assert not takes_hints(path)


@pytest.mark.parametrize(
    ("text", "tightness"), [("auto", "auto"), ("exact", 0.0), ("0", 0.0), ("0.08", 0.08)]
)
def test_tightness_is_spelled_as_people_do(text: str, tightness: object) -> None:
    assert parse_tightness(text) == tightness


@pytest.mark.parametrize("text", ["loose", "-0.1", "0.6", "nan", "10%"])
def test_another_tightness_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=f"--tightness is {text}; give auto, exact, or a number"):
        parse_tightness(text)


def test_an_image_with_a_thousand_boxes_tells_each_of_those_in_its_window(tmp_path: Path) -> None:
    data = boxes_of(1, 1)
    data["annotations"] = [
        {"id": k, "image_id": 0, "category_id": 1, "bbox": [k % 35, k // 35 % 25, 4, 4]}
        for k in range(1000)
    ]
    workload = workload_of(window_job(tmp_path, data))
    config = tiny_network(**WINDOWS).config
    rows = workload.objects(0)
    assert len(rows) == 1000
    few = prepare_image(workload, config, image=0, rows=rows[10:12])[1]
    many = prepare_image(workload, config, image=0, rows=rows)[1]
    assert few.views is not None and many.views is not None
    assert few.views.hints is not None and many.views.hints is not None
    assert torch.equal(few.views.hints, many.views.hints[10:12])


def test_boxes_of_no_known_category_are_like_no_other() -> None:
    def placed(row: int, label: int) -> ImageBoxes:
        box = np.array([[10.0 + row, 10, 30, 30]])
        return ImageBoxes(np.array([row]), box, np.array([label], np.int32))

    window = np.array([[0.0, 0, 50, 50]])
    for label, same in ((3, True), (-1, False)):
        (found,) = find_neighbours(placed(0, label), placed(1, label), window)
        assert found.same.tolist() == [same]


def test_a_number_without_a_point_is_a_tightness_too(tmp_path: Path) -> None:
    assert annotate(window_job(tmp_path, tightness=0)).told == Hints(0.0, neighbours=True)


def test_weights_that_are_not_there_are_said_to_be_missing(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(InputError, match="no such weights file"):
            takes_hints(path)
