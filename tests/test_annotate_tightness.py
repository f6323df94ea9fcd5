"""How loose boxes are, measured by what a network makes of a sample of them."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from annotation_files import annotate, boxes_of, make_job, write_weights

from boxmask.annotate import tightness
from boxmask.annotate.hints import Hints
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.network import DeviceNetwork
from boxmask.annotate.parts import Outcome, Part, pack
from boxmask.annotate.plan import Shard
from boxmask.annotate.tightness import SAMPLE, SAMPLE_TIGHTNESS, measure_tightness, sample_workload
from boxmask.annotate.workload import Workload
from boxmask.data import read
from boxmask.mark import Status

SIDE = 1000
NETWORK = cast(DeviceNetwork, SimpleNamespace(card={}))  # the fakes below ask it for nothing else


def workload_of(folder: Path, error: float, *, count: int = 400, side: int = 100) -> Workload:
    """Boxes about squares whose corner is (200, 200), each side off by a normal error."""
    random = np.random.default_rng(0)
    corners = 200 + np.array([0, 0, side, side]) + side * random.normal(0, error, (count, 4))
    records = [
        {"id": n, "image_id": n % 7, "category_id": 1, "bbox": [x0, y0, x1 - x0, y1 - y0]}
        for n, (x0, y0, x1, y1) in enumerate(corners.tolist())
    ]
    images = [{"id": n, "file_name": f"{n}.png", "width": SIDE, "height": SIDE} for n in range(7)]
    content = {
        "images": images,
        "annotations": records,
        "categories": [{"id": 1, "name": "square"}],
    }
    path = folder / "squares.json"
    path.write_text(json.dumps(content))
    dataset = read(path)
    status = np.full(count, Status.OK.code, dtype=np.uint8)
    job = AnnotateJob(boxes=path, images=folder, out=folder / "out.json")
    return Workload(job, Hints(0.0, neighbours=False), dataset, status)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A network that always finds the square, as surely as it is told to."""
    told: dict[str, Any] = {"quality": 0.9, "side": 100, "asked": []}

    def run_shard(workload: Workload, shard: Shard, network: DeviceNetwork, report: object) -> Part:
        tight = (200, 200, told["side"], told["side"])
        found, sizes = [], {}
        for image, rows in workload.rows_to_predict(shard, at_once=None):
            sizes[image] = (SIDE, SIDE)
            told["asked"] += rows.tolist()
            found += [Outcome(int(row), quality=told["quality"], box=tight) for row in rows]
        assert workload.tightness == SAMPLE_TIGHTNESS
        return pack(found, sizes)

    monkeypatch.setattr(tightness, "run_shard", run_shard)
    return told


@pytest.mark.parametrize("error", [0.03, 0.05, 0.08])
def test_the_spread_is_that_of_the_sides(
    tmp_path: Path, network: dict[str, Any], error: float
) -> None:
    spread = tightness.measure_spread(workload_of(tmp_path, error), NETWORK)
    assert spread == pytest.approx(error, rel=0.12)
    assert len(network["asked"]) == len(set(network["asked"])) == SAMPLE


def test_exact_boxes_are_taken_for_exact(tmp_path: Path, network: dict[str, Any]) -> None:
    assert measure_tightness(workload_of(tmp_path, 0), NETWORK) == 0


def test_the_rows_in_the_card_of_the_weights_are_those_used(
    tmp_path: Path, network: dict[str, Any]
) -> None:
    rows = {"spreads": [0.05, 0.15], "errors": [0.0, 0.9]}
    own = cast(DeviceNetwork, SimpleNamespace(card={"looseness": rows}))
    workload = workload_of(tmp_path, 0.1)
    spread = tightness.measure_spread(workload, own)
    assert spread is not None
    expected = (spread - 0.05) * 9
    assert measure_tightness(workload, own) == pytest.approx(expected, abs=0.005)
    assert measure_tightness(workload, own) != measure_tightness(workload, NETWORK)


def test_wilder_boxes_are_not_taken_for_wilder_than_any_that_were_tried(
    tmp_path: Path, network: dict[str, Any]
) -> None:
    assert measure_tightness(workload_of(tmp_path, 0.3), NETWORK) == tightness.ERRORS[-1]


def test_a_network_that_is_not_sure_concludes_nothing(
    tmp_path: Path, network: dict[str, Any]
) -> None:
    network["quality"] = 0.5
    assert measure_tightness(workload_of(tmp_path, 0.1), NETWORK) is None


def test_few_or_small_boxes_say_nothing(tmp_path: Path, network: dict[str, Any]) -> None:
    assert measure_tightness(workload_of(tmp_path, 0.1, count=11), NETWORK) is None
    network["side"] = 15
    assert measure_tightness(workload_of(tmp_path, 0.1, side=15), NETWORK) is None


def test_only_what_wants_a_mask_is_asked_for(tmp_path: Path) -> None:
    workload = workload_of(tmp_path, 0.1)
    workload.status[::2] = Status.KEPT.code
    chosen = np.flatnonzero(sample_workload(workload).status == Status.OK.code)
    assert len(chosen) == SAMPLE and (chosen % 2 == 1).all()
    assert (workload.status[1::2] == Status.OK.code).all()


def window_job(folder: Path) -> AnnotateJob:
    windows = {"window_masks": True, "head": "hourglass10", "view_size": 24}
    return make_job(folder, boxes_of(2, 3), weights=write_weights(folder, **windows))


def test_what_was_measured_is_in_the_plan_and_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = window_job(tmp_path)
    monkeypatch.setattr(tightness, "measure_spread", lambda workload, network: 0.047)
    assert annotate(job).told == Hints(0.05, neighbours=True)
    plan = json.loads((tmp_path / "out.json.boxmask.json").read_bytes())
    assert plan["settings"]["--tightness"] == 0.05
    monkeypatch.setattr(tightness, "measure_spread", lambda workload, network: 0.1)
    assert annotate(job).already_done
    assert annotate(replace(job, fresh=True)).told == Hints(0.2, neighbours=True)


def test_what_the_user_says_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tightness, "measure_spread", None)
    assert annotate(replace(window_job(tmp_path), tightness=0.0)).told == Hints(
        0.0, neighbours=True
    )


def test_what_a_run_that_made_nothing_was_told_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = window_job(tmp_path)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("boxmask.annotate.shards.run_shard", fail)
        with pytest.raises(KeyboardInterrupt):
            annotate(replace(job, tightness=0.3))
    monkeypatch.setattr(tightness, "measure_spread", lambda workload, network: 0.0)
    assert annotate(job).told == Hints(0.0, neighbours=True)


def test_measuring_reads_the_boxes_and_loads_the_network_no_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    load = DeviceNetwork.load

    def read_watched(*given: Any) -> Any:
        calls.append("read")
        return read(*given)

    def load_watched(*given: Any, **options: Any) -> DeviceNetwork:
        calls.append("load")
        return load(*given, **options)

    monkeypatch.setattr("boxmask.annotate.workload.read", read_watched)
    monkeypatch.setattr(DeviceNetwork, "load", load_watched)
    annotate(replace(window_job(tmp_path), runtime="torch"))
    assert calls == ["read", "load"]
