"""Shards, and what a plan says when it is not the one that the work was begun with."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from annotation_files import annotate, boxes_of, make_job, output, photos, tiny_network
from hypothesis import given, settings
from hypothesis import strategies as st

from boxmask.annotate import run
from boxmask.annotate.events import MASKS, Event, Tally
from boxmask.annotate.job import AnnotateJob, resolve_weights
from boxmask.annotate.plan import Plan, Shard, cut_shards, load_plan, save_plan
from boxmask.annotate.work_folder import WorkFolder
from boxmask.bundled import BUNDLED
from boxmask.data import ReadOptions
from boxmask.errors import ConfigError, InputError, RunError, WeightsError
from boxmask.models.weights import save_network


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 50))
def test_shards_follow_each_other_and_hold_every_box(counts: list[int], size: int) -> None:
    shards = cut_shards(np.array(counts, np.int64), size=size)
    edges = [shard.first for shard in shards] + [shard.stop for shard in shards[-1:]]
    assert edges[:1] in ([], [0])
    assert all(one.stop == other.first for one, other in pairwise(shards))
    assert [shard.boxes for shard in shards] == [sum(counts[s.first : s.stop]) for s in shards]
    assert sum(shard.boxes for shard in shards) == sum(counts)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 50))
def test_a_shard_ends_with_the_image_that_fills_it(counts: list[int], size: int) -> None:
    for shard in cut_shards(np.array(counts, np.int64), size=size)[:-1]:
        assert shard.boxes >= size
        assert shard.boxes - counts[shard.stop - 1] < size


def test_without_boxes_there_are_no_shards() -> None:
    assert cut_shards(np.zeros(5, np.int64), size=10) == ()
    assert cut_shards(np.zeros(0, np.int64), size=10) == ()


def test_a_plan_survives_its_file(tmp_path: Path) -> None:
    plan = Plan(
        {"--weights": "sha256 1", "--min-conf": 0.5, "x": None}, (Shard(0, 3, 7),), {"o": "1"}
    )
    save_plan(plan, tmp_path / "plan.json")
    assert load_plan(tmp_path / "plan.json") == plan
    tally = Tally(images=1, annotations=1, statuses={"ok": 1}, mean_iou=1)
    save_plan(replace(plan, tally=tally), tmp_path / "plan.json")
    assert load_plan(tmp_path / "plan.json") == replace(plan, tally=tally)


def test_a_damaged_plan_names_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(b'{"settings": {')
    with pytest.raises(RunError, match=r"plan\.json: not as a run has written it .* remove it"):
        load_plan(tmp_path / "plan.json")


def without_checksum(plan: bytes) -> bytes:
    """Make a plan one of 0.1."""
    return re.sub(rb',\s*"checksum": "\w+"', b"", plan)


def stopped(job: AnnotateJob) -> bytes:
    """Leave a run that has made one of its parts; return its plan."""

    def stop(event: Event) -> None:
        if event.stage == MASKS and event.done > 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.annotate(job, stop)
    return WorkFolder(job.out).plan.read_bytes()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda plan: plan.replace(b'"stop": 2', b'"stop": 3'), "its checksum is another"),
        (
            lambda plan: without_checksum(plan.replace(b'"stop": 4', b'"stop": 9')),
            "its shards are not those of the boxes",
        ),
        (lambda plan: plan[: len(plan) // 2], "truncated"),
    ],
    ids=["changed", "shards beyond the images", "cut"],
)
def test_a_plan_damaged_by_hand_is_told_and_without_it_finished_shards_are_kept(
    tmp_path: Path, spoil: Callable[[bytes], bytes], why: str
) -> None:
    job = make_job(tmp_path)
    annotate(replace(job, out=tmp_path / "whole.json"))
    plan, work = stopped(job), WorkFolder(job.out)
    assert spoil(plan) != plan
    work.plan.write_bytes(spoil(plan))
    with pytest.raises(RunError, match=f"{work.plan}: not as a run has written it .*{why}"):
        annotate(job)
    work.plan.unlink()
    summary = annotate(job)
    assert (summary.reused, summary.predicted) == (6, 6)
    assert job.out.read_bytes() == (tmp_path / "whole.json").read_bytes()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"polygons": True}, r"  --polygons: was false, now true\n"),
        ({"reading": ReadOptions(min_conf=0.25)}, r"  --min-conf: was 0\.0, now 0\.25\n"),
        ({"batch_boxes": 3}, r"  --batch-boxes: was 8, now 3\n"),
        ({"exif": "stored"}, r'  --exif: was "auto", now "stored"\n'),
        ({"precision": "bf16"}, r'  --precision: was "fp32", now "bf16"\n'),
    ],
)
def test_other_options_are_refused_by_name(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    job = make_job(tmp_path)
    annotate(job)
    with pytest.raises(RunError, match=said) as error:
        annotate(replace(job, **changes))  # type: ignore[arg-type]
    assert "--fresh" in str(error.value)
    assert str(error.value).count("was") == 2  # "was begun", and the one difference


def test_another_input_and_other_weights_are_refused_by_name(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    annotate(job)
    make_job(tmp_path, boxes_of(4, 2))
    assert job.weights is not None
    save_network(job.weights, tiny_network(head_channels=3), {})
    with pytest.raises(RunError) as error:
        annotate(job)
    changed = re.findall(r"  (\S+): was sha256 \w{12}, now sha256 \w{12}\n", str(error.value))
    assert changed == ["BOXES", "--weights"]


def test_a_plan_of_which_nothing_is_done_does_not_bind(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    assert job.weights is not None
    sound = job.weights.read_bytes()
    job.weights.write_bytes(sound[:100])
    with pytest.raises(WeightsError):
        annotate(job)
    job.weights.write_bytes(sound)
    assert annotate(job).predicted == 12


def test_fresh_starts_anew_and_replaces_the_output(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    annotate(job)
    again = annotate(replace(job, polygons=True, fresh=True))
    assert (again.predicted, again.already_done) == (12, False)
    assert all(isinstance(each["segmentation"], list) for each in output(job)["annotations"])


def test_after_fresh_the_command_without_it_goes_on(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    job.out.write_text("of somebody else")
    (photos(job) / "0.png").rename(tmp_path / "0.png")
    with pytest.raises(InputError, match="image missing"):
        annotate(replace(job, fresh=True, strict=True))
    (tmp_path / "0.png").rename(photos(job) / "0.png")
    WorkFolder(job.out).part(0).unlink()
    annotate(job)
    assert len(output(job)["annotations"]) == 12


def test_an_output_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    job.out.write_text("mine")
    with pytest.raises(RunError, match=r"there already, and not of this run.*--fresh"):
        annotate(job)
    assert job.out.read_text() == "mine"
    assert not WorkFolder(job.out).path.exists()


def test_a_finished_run_is_known_and_a_lost_output_made_again(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    annotate(job)
    bytes_before = job.out.read_bytes()
    again = annotate(job)
    assert again.already_done and again.tally.statuses["ok"] == 12
    job.out.unlink()
    assert not annotate(job).already_done
    assert job.out.read_bytes() == bytes_before


def test_no_path_is_in_the_plan(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    annotate(job)
    work = WorkFolder(job.out)
    assert str(tmp_path) not in work.plan.read_text()
    assert str(tmp_path) not in job.out.read_text()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch_boxes": 0}, "--batch-boxes is 0; give 1 or more"),
        ({"threads": 100_000}, "--threads is 100000; give 1024 or less"),
        ({"shard_boxes": 10**20}, "--shard-boxes is 100000000000000000000; give 1099511627776 or"),
        ({"precision": "fp8"}, "--precision is 'fp8'; known: auto, fp32"),
        ({"out": Path("a.json"), "boxes": Path("a.json")}, "--out is a file that is read"),
    ],
)
def test_a_job_that_cannot_be_is_refused(changes: dict[str, object], said: str) -> None:
    given = {"boxes": Path("in.json"), "images": Path(), "out": Path("out.json")}
    with pytest.raises(ConfigError, match=said):
        AnnotateJob(**(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lost", "said"),
    [("boxes.json", "no such file"), ("images", "no such folder"), ("tiny.safetensors", "weights")],
)
def test_what_is_not_there_is_named(tmp_path: Path, lost: str, said: str) -> None:
    job = make_job(tmp_path)
    (tmp_path / lost).rename(tmp_path / "elsewhere")
    with pytest.raises((InputError, WeightsError), match=f"{lost}: .*{said}"):
        annotate(job)


def test_without_weights_the_bundled_model_is_asked(tmp_path: Path) -> None:
    job = replace(make_job(tmp_path), weights=None)
    assert resolve_weights(job) == BUNDLED
    assert annotate(job).predicted > 0


def test_no_file_that_is_read_can_be_the_output(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    roundabout = tmp_path / "folder" / ".." / job.boxes.name
    (tmp_path / "folder").mkdir()
    for out in (job.boxes, roundabout, job.weights):
        assert out is not None
        with pytest.raises(ConfigError, match="--out is a file that is read"):
            replace(job, out=out, fresh=True)
    (tmp_path / "link").symlink_to(job.boxes)
    with pytest.raises(ConfigError, match="--out is a file that is read"):
        replace(job, out=tmp_path / "link")
