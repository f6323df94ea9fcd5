"""Hints: what a network is told of the boxes, decided by the job, its plan or the format."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from annotation_files import (
    HEIGHT,
    WIDTH,
    WINDOWS,
    Json,
    annotate,
    boxes_of,
    make_job,
    output,
    photos,
    silent,
    tiny_network,
    window_job,
    workload_of,
    write_photo,
)

from boxmask.annotate.estimate import estimate
from boxmask.annotate.hints import Hints, hints_without_measuring, takes_hints
from boxmask.annotate.job import parse_tightness
from boxmask.annotate.prepare import prepare_image
from boxmask.annotate.work_folder import WorkFolder
from boxmask.check import check
from boxmask.data import read
from boxmask.errors import ConfigError, RunError, WeightsError
from boxmask.models import cut
from boxmask.models.hints import Neighbours

Floats = npt.NDArray[np.float64]


class Watched:
    """Stands for `cut`, and remembers what it was told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[tuple[Floats, float, list[Neighbours] | None]] = []
        monkeypatch.setattr("boxmask.annotate.prepare.cut", self)

    def __call__(self, config: Any, image: Any, boxes: Floats, **told: Any) -> Any:
        self.told.append((boxes, told["tightness"], told["neighbours"]))
        return cut(config, image, boxes, **told)


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
    for name in read(job.boxes).file_names:
        write_photo(photos(job) / name)
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


def test_python_takes_the_spelling_of_the_command_line(tmp_path: Path) -> None:
    given: Any = "exact"
    assert window_job(tmp_path, tightness=given).tightness == 0.0


@pytest.mark.parametrize("text", ["loose", "-0.1", "0.6", "nan", "10%"])
def test_another_tightness_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=f"--tightness is {text}; give auto, exact, or a number"):
        parse_tightness(text)


def test_a_number_without_a_point_is_a_tightness_too(tmp_path: Path) -> None:
    assert annotate(window_job(tmp_path, tightness=0)).told == Hints(0.0, neighbours=True)


def test_weights_that_are_not_there_are_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such weights file"):
        takes_hints(tmp_path / "none.safetensors")
    with pytest.raises(WeightsError, match="a folder, no weights file; give a file that"):
        takes_hints(tmp_path)
    (tmp_path / "last.safetensors").touch()
    with pytest.raises(WeightsError, match=r"; give .*last\.safetensors\."):
        takes_hints(tmp_path)
