"""The pipeline: threads, pieces, exports, what a dry run says, what is reported."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
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
    photos,
    silent,
    tiny_network,
    write_weights,
)

from boxmask.annotate import run
from boxmask.annotate.estimate import estimate
from boxmask.annotate.events import Event
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.network import DeviceNetwork
from boxmask.errors import BoxmaskError, ConfigError, InputError
from boxmask.export import ExportOptions
from boxmask.geometry import paste
from boxmask.images import load_image
from boxmask.models import Cuts, cut_views, large_boxes
from boxmask.models.inference import predict_masks
from boxmask.models.prediction import MaskPrediction

WHOLE_IMAGE = {"family": "deepmac", "image_size": 64, "pad_square": False}
TWO_VIEWS = {"view_size": 20, "large_view_size": 26}  # boxes of both sizes in every image


@pytest.mark.parametrize(
    "changes", [{}, TWO_VIEWS, WHOLE_IMAGE], ids=["zoom", "two view sizes", "deepmac"]
)
def test_the_bytes_do_not_depend_on_threads(tmp_path: Path, changes: Json) -> None:
    job = make_job(tmp_path, boxes_of(5, 4), weights=write_weights(tmp_path, **changes))
    annotate(job)
    other = replace(job, decoders=7, out=tmp_path / "other.json")
    annotate(other)
    assert other.out.read_bytes() == job.out.read_bytes()


@pytest.mark.parametrize(
    ("changes", "flip"),
    [({}, False), (TWO_VIEWS, False), ({}, True)],
    ids=["one view size", "two", "flip"],
)
def test_each_mask_is_what_the_network_predicts_for_its_own_box(
    tmp_path: Path, changes: Json, flip: bool
) -> None:
    weights = write_weights(tmp_path, **changes)
    job = make_job(tmp_path, boxes_of(5, 4), weights=weights, batch_boxes=7, shard_boxes=9)
    job = replace(job, flip=flip)
    annotate(job)
    network = tiny_network(**changes).eval()
    for record in output(job)["annotations"]:
        x, y, w, h = record["bbox"]
        box = np.array([[x, y, min(x + w, WIDTH), min(y + h, HEIGHT)]], np.float64)
        image = load_image(photos(job), f"{record['image_id']}.png")
        with torch.inference_mode():
            large = bool(large_boxes(network.config, box)[0])
            views = cut_views(network.config, image, box, large=large)
            alone = predict_masks(network, views, flip=flip)
        window = paste(alone.probabilities[0].numpy(), box[0], width=WIDTH, height=HEIGHT)
        # A batch may round differently from a box alone, which can turn a pixel at the border.
        assert abs(record["area"] - np.count_nonzero(window.bits)) <= 2
        assert record["boxmask"]["predicted_iou"] == pytest.approx(
            float(alone.quality[0]), abs=1e-3
        )


def test_an_image_with_more_boxes_than_a_batch_is_done_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = []
    predict = DeviceNetwork.predict

    def watched(self: DeviceNetwork, cuts: Cuts, **options: Any) -> MaskPrediction:
        pieces.append(len(cuts.boxes))
        return predict(self, cuts, **options)

    monkeypatch.setattr(DeviceNetwork, "predict", watched)
    job = make_job(tmp_path, boxes_of(2, 11), batch_boxes=4, shard_boxes=100)
    assert annotate(job).tally.statuses["ok"] == 22
    assert sum(pieces) == 22 and max(pieces) <= 4


def test_strict_names_the_record_and_keeps_what_is_done(tmp_path: Path) -> None:
    job = make_job(tmp_path, boxes_of(4, 3))
    (photos(job) / "2.png").unlink()
    with pytest.raises(
        InputError, match=r"record 3 \(id 2\): image missing, image '2.png': there is no"
    ):
        annotate(replace(job, strict=True))
    summary = annotate(job)
    assert (summary.reused, summary.predicted) == (9, 0)
    assert summary.tally.reasons == {"image missing": 3}
    with pytest.raises(InputError, match="image missing"):
        annotate(replace(job, strict=True))


def test_strict_refuses_a_faulty_record_before_any_work(tmp_path: Path) -> None:
    data = boxes_of(2, 2)
    data["annotations"][1]["bbox"] = [1, 2, 0, 4]
    with pytest.raises(InputError, match=r"record 2 \(id 1\): box has no width or height"):
        annotate(make_job(tmp_path, data, strict=True))


def test_exports_follow_the_output_and_are_made_when_asked_for_later(tmp_path: Path) -> None:
    job = make_job(tmp_path, exports={"yolo": tmp_path / "yolo"})
    annotate(job)
    assert len(list((tmp_path / "yolo" / "labels").iterdir())) == 4
    both = replace(job, exports=dict(job.exports) | {"index_png": tmp_path / "index"})
    summary = annotate(both)
    assert (summary.predicted, summary.reused, summary.already_done) == (0, 0, False)
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == [
        f"{k}.png" for k in range(4)
    ]
    assert annotate(both).already_done


def test_an_export_that_cannot_be_is_refused_before_any_work(tmp_path: Path) -> None:
    data = boxes_of(2, 1)
    data["images"][1]["file_name"] = "./0.png"
    twice = make_job(tmp_path / "twice", data, exports={"yolo": tmp_path / "yolo"})
    job = make_job(tmp_path)
    refusals: list[tuple[AnnotateJob, str]] = [
        (twice, r"two images have the file '0.png'"),
        (replace(job, exports={"yolo": job.boxes}), "a file; --yolo is the name of a folder"),
        (
            replace(job, exports={"index_png": photos(job)}),
            r"0.png: --index-png would write over this image",
        ),
    ]
    for refused, said in refusals:
        with pytest.raises(BoxmaskError, match=said):
            annotate(refused)
        with pytest.raises(BoxmaskError, match=said):
            estimate(refused, lambda event: None)
        assert not refused.out.exists()


def test_an_export_replaces_only_files_of_its_own_run(tmp_path: Path) -> None:
    mine = tmp_path / "index" / "1.png"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    job = make_job(tmp_path, exports={"index_png": mine.parent})
    with pytest.raises(ConfigError, match=r"1.png is there already, and not as a run"):
        annotate(job)
    assert mine.read_bytes() == b"mine"
    annotate(replace(job, fresh=True))
    assert mine.read_bytes() != b"mine"


def test_an_export_is_written_again_when_its_options_change(tmp_path: Path) -> None:
    job = make_job(tmp_path, exports={"yolo": tmp_path / "yolo"})
    annotate(job)
    other = replace(job, export_options=ExportOptions(yolo_val=0.5))
    assert not annotate(other).already_done
    assert (tmp_path / "yolo" / "labels" / "val").is_dir()
    assert annotate(other).already_done


def test_a_dataset_without_boxes_is_done_at_once(tmp_path: Path) -> None:
    data = boxes_of(1, 1) | {"annotations": []}
    summary = annotate(make_job(tmp_path, data))
    assert (summary.shards, summary.tally.annotations) == (0, 0)


def test_events_count_up_to_every_box(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    (photos(job) / "1.png").unlink()
    events: list[Event] = []
    run.annotate(job, events.append)
    masks = [event.done for event in events if event.stage.name == "masks"]
    assert masks == sorted(masks) and masks[-1] == 12
    assert [*dict.fromkeys(event.stage.name for event in events)] == ["read", "masks", "merge"]


def test_a_dry_run_tells_and_writes_nothing(tmp_path: Path) -> None:
    data = boxes_of(4, 3)
    data["annotations"][0]["bbox"] = None
    job = make_job(tmp_path, data)
    before = sorted(tmp_path.rglob("*"))
    found = estimate(job, silent)
    assert (found.images, found.annotations, found.boxes, found.shards) == (4, 12, 11, 2)
    assert found.skipped == {"box is missing": 1}
    assert found.boxes_per_second is not None and found.seconds_left > 0
    assert sorted(tmp_path.rglob("*")) == before
    annotate(job)
    done = estimate(job, silent)
    assert (done.finished_shards, done.finished_boxes, done.seconds_left) == (2, 11, 0)


def test_images_larger_than_allowed_are_skipped(tmp_path: Path) -> None:
    job: AnnotateJob = make_job(tmp_path, boxes_of(1, 2), max_pixels=WIDTH * HEIGHT - 1)
    assert annotate(job).tally.reasons == {"image has too many pixels": 2}
