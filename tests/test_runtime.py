"""OpenVINO in the place of PyTorch: the same masks, whoever shares their batch, without PyTorch."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from annotation_files import WINDOWS, annotate, make_job, output, tiny_network, write_weights

import boxmask
from boxmask.annotate.network import DeviceNetwork
from boxmask.annotate.runtime import choose_runtime, load_network, why_not_openvino
from boxmask.bundled import BUNDLED
from boxmask.errors import ConfigError, RunError, WeightsError
from boxmask.models import Cuts, Views, cut, graph
from boxmask.models.compiled import CompiledNetwork
from boxmask.models.network import build
from boxmask.models.prediction import MaskPrediction, Network, to_numpy
from boxmask.models.presets import preset
from boxmask.models.threshold import expected_iou, shift_to_best_threshold
from boxmask.models.threshold_arrays import expected_iou as expected_iou_of_arrays
from boxmask.models.threshold_arrays import probabilities_of
from boxmask.models.weights import save_network

PHOTOS = Path(__file__).parents[1] / "examples" / "photos"
CPU: Any = {"device": "cpu", "precision": "fp32"}
BOTH = ("openvino", "torch")


@pytest.fixture(scope="module")
def window_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a tiny network whose graphs were made."""
    weights = write_weights(tmp_path_factory.mktemp("weights"), **WINDOWS)
    load_network(weights, **CPU, runtime="openvino", threads=1)
    return weights


def cuts_of(network: Network, *, large: bool = False, count: int = 5) -> Cuts:
    """Cut boxes of a photo of noise."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (60, 80, 3), np.uint8)
    low = rng.uniform(0, 30, (count, 2))
    return cut(network.config, image, np.concatenate([low, low + 25], axis=1), large=large)


def largest_difference(one: MaskPrediction, other: MaskPrediction) -> float:
    return max(float(abs(a - b).max()) for a, b in zip(to_numpy(one), to_numpy(other), strict=True))


@pytest.mark.parametrize("flip", [False, True], ids=["plain", "flip"])
@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_a_graph_computes_what_its_network_computes(
    window_weights: Path, large: bool, flip: bool
) -> None:
    compiled, plain = (
        load_network(window_weights, **CPU, runtime=runtime, threads=1)
        for runtime in ("openvino", "torch")
    )
    cuts = cuts_of(compiled, large=large)
    answers = [network.predict(cuts, chunk=64, flip=flip) for network in (compiled, plain)]
    assert largest_difference(*answers) < 1e-4


def test_the_networks_of_the_zoom_presets_have_graphs_that_ship(tmp_path: Path) -> None:
    shipped: set[str] = set()
    for name in ("zoom", "zoom-tinyvit"):
        config = preset(name)
        shipped |= {graph.graph_name(config, form) for form in graph.forms(config)}
        torch.manual_seed(0)
        save_network(tmp_path / name, build(config), {})
        networks = [load_network(tmp_path / name, **CPU, runtime=r, threads=1) for r in BOTH]
        cuts = cuts_of(networks[0], count=2)
        assert largest_difference(*(ask.predict(cuts, chunk=64) for ask in networks)) < 1e-3
    assert shipped == {path.name for path in graph.SHIPPED.iterdir()}


def test_the_bundled_masks_agree_with_those_of_pytorch() -> None:
    data = json.loads((PHOTOS / "boxes.json").read_bytes())
    one, other = (boxmask.load(device="cpu", runtime=r) for r in ("openvino", "torch"))
    shared: list[float] = []
    for image in data["images"][:3]:
        sides = [a["bbox"] for a in data["annotations"] if a["image_id"] == image["id"]]
        boxes = np.array(sides, np.float64)
        boxes[:, 2:] += boxes[:, :2]
        found, wanted = (ask(PHOTOS / image["file_name"], boxes) for ask in (one, other))
        assert np.abs(found.expected_iou - wanted.expected_iou).max() < 1e-3
        both, either = found.masks & wanted.masks, found.masks | wanted.masks
        shared += (both.sum(axis=(1, 2)) / either.sum(axis=(1, 2))).tolist()
    assert len(shared) >= 6 and np.mean(shared) >= 0.999


def test_a_mask_depends_neither_on_its_batch_nor_on_threads(window_weights: Path) -> None:
    one, many = (CompiledNetwork.load(window_weights, threads=threads) for threads in (1, 3))
    cuts = cuts_of(one, count=9)
    together = to_numpy(many.predict(cuts, chunk=2))
    assert cuts.hints is not None
    for k in range(9):
        own = slice(k, k + 1)
        alone = Cuts(cuts.pixels[own], cuts.boxes[own], np.zeros(1, np.int64), cuts.hints[own])
        for whole, part in zip(together, to_numpy(one.predict(alone, chunk=1)), strict=True):
            assert np.array_equal(whole[k], part[0])


def test_the_plan_names_the_runtime_and_auto_goes_on_with_it(
    tmp_path: Path, window_weights: Path
) -> None:
    job = make_job(tmp_path, weights=window_weights)
    assert annotate(replace(job, runtime="torch")).runtime == "torch"
    assert annotate(job).already_done
    with pytest.raises(RunError, match='--runtime: was "torch", now "openvino"'):
        annotate(replace(job, runtime="openvino"))
    fresh = annotate(replace(job, fresh=True))
    assert (fresh.runtime, fresh.why_torch) == ("openvino", "")
    assert {one["boxmask"]["status"] for one in output(job)["annotations"]} == {"ok"}


def test_auto_takes_what_there_is_and_says_why(
    tmp_path: Path, window_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chosen(weights: Path, device: str = "cpu", precision: str = "fp32") -> tuple[str, str]:
        where = {"device": device, "precision": precision}
        return choose_runtime("auto", weights, **where), why_not_openvino(weights, **where)

    assert chosen(BUNDLED) == chosen(window_weights) == ("openvino", "")
    assert chosen(BUNDLED, "cuda:0", "bf16")[0] == "torch"
    unknown = write_weights(tmp_path, **WINDOWS, pixel_channels=5)
    runtime, why = chosen(unknown)
    assert runtime == "torch" and "no graph of this network yet; --runtime openvino" in why
    whole = write_weights(tmp_path, family="deepmac")
    assert "a view of each box" in chosen(whole)[1]
    assert annotate(make_job(tmp_path, weights=whole)).why_torch == chosen(whole)[1]
    monkeypatch.setattr("boxmask.annotate.runtime.has_openvino", lambda: False)
    assert chosen(BUNDLED) == ("torch", "OpenVINO is not installed; pip install openvino.")


@pytest.mark.parametrize(
    ("device", "precision", "said"),
    [
        ("cuda", "bf16", "for the CPU in fp32 or bf16, not for cuda in bf16"),
        ("cpu", "fp16", "not for cpu in fp16"),
    ],
)
def test_openvino_is_refused_where_it_cannot_be(device: str, precision: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"--runtime openvino: .*{said}"):
        choose_runtime("openvino", BUNDLED, device=device, precision=precision)


def test_a_graph_is_made_once_and_again_when_it_is_damaged(
    window_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[graph.Form] = []

    def export(config: Any, form: graph.Form) -> graph.Graph:
        made.append(form)
        return kept[form]

    config = tiny_network(**WINDOWS).config
    found = {form: graph.find_graph(config, form) for form in graph.forms(config)}
    kept = {form: one for form, one in found.items() if one is not None}
    assert list(kept) == [(24, 1), (28, 1), (24, 2), (28, 2)]
    monkeypatch.setattr("boxmask.models.export.export_graph", export)
    load_network(window_weights, **CPU, runtime="openvino")
    assert made == []
    (graph.cache_folder() / graph.graph_name(config, graph.Form(28))).write_bytes(b"PK damaged")
    load_network(window_weights, **CPU, runtime="openvino").predict(
        cuts_of(DeviceNetwork(tiny_network(**WINDOWS), **CPU), large=True), chunk=1
    )
    assert made == [(28, 1)]


def test_weights_that_do_not_fit_their_config_are_named(
    tmp_path: Path, window_weights: Path
) -> None:
    network = tiny_network(**WINDOWS)
    next(iter(network.branches.parameters())).data = torch.zeros(3, 3)
    wrong = tmp_path / "wrong.safetensors"
    save_network(wrong, network, {})
    with pytest.raises(WeightsError, match=r"wrong.safetensors: tensor branches.* of shape \(3, 3"):
        CompiledNetwork.load(wrong, threads=1)
    network = tiny_network(**WINDOWS)
    mean = network.normalise.mean
    for dtype, said in ((torch.int32, "is of int32"), (torch.bfloat16, "is of a kind of numbers")):
        network.normalise.mean = mean.to(dtype)
        save_network(wrong, network, {})
        with pytest.raises(WeightsError, match=f"wrong.safetensors: tensor normalise.mean {said}"):
            CompiledNetwork.load(wrong, threads=1)


def test_the_best_threshold_is_that_of_tensors() -> None:
    logits = np.random.default_rng(0).normal(0, 4, (6, 9, 9)).astype(np.float32)
    logits[0], logits[1] = -200, 200
    tensors = torch.from_numpy(logits)
    wanted = shift_to_best_threshold(tensors).sigmoid().numpy()
    best = expected_iou_of_arrays(logits)
    assert np.abs(best - expected_iou(tensors).numpy()).max() < 1e-6
    assert np.abs(probabilities_of(logits, best) - wanted).max() < 1e-6


def test_mirrored_cuts_are_mirrored_views(window_weights: Path) -> None:
    cuts = cuts_of(DeviceNetwork(tiny_network(**WINDOWS), **CPU))
    one, other = Views.of(cuts.mirrored()), Views.of(cuts).mirrored()
    for name in ("pixels", "boxes", "index", "hints"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({"runtime": "openvino"}, "network"),
        ({"runtime": "openvino", "workers": 2}, "boxes"),
        ({"runtime": "torch"}, "boxes"),
    ],
    ids=["one process", "workers", "torch"],
)
def test_the_network_is_made_ready_while_boxes_are_read(
    tmp_path: Path,
    window_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    first: str,
) -> None:
    seen: list[str] = []

    def stopped(*_: Any, **__: Any) -> None:
        seen.append("boxes")
        raise KeyboardInterrupt

    def loaded(*_: Any, **__: Any) -> None:
        seen.append("network")

    monkeypatch.setattr("boxmask.annotate.workload.load_network", loaded)
    monkeypatch.setattr("boxmask.annotate.workload.read", stopped)
    with pytest.raises(KeyboardInterrupt):
        annotate(make_job(tmp_path, weights=window_weights, tightness=0.0, **options))
    assert seen[0] == first


PROBE = """
import sys
from boxmask.cli import app
try:
    app(sys.argv[1:])
finally:
    loaded = [name for name in ("torch", "timm", "openvino_telemetry") if name in sys.modules]
    print("LOADED", loaded, "openvino" in sys.modules, file=sys.stderr)
"""


def test_annotate_on_a_cpu_imports_no_pytorch_and_no_telemetry(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    files = [PHOTOS / "boxes.json", "--images", PHOTOS, "--out", tmp_path / "out.json"]
    command = ["annotate", *map(str, files), "--device", "cpu", "--limit", "2", "-q"]
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *command],
        capture_output=True,
        text=True,
        env=os.environ | {"HOME": str(home), "XDG_CACHE_HOME": ""},
    )
    assert (done.returncode, done.stderr) == (0, "LOADED [] True\n"), done.stderr
    assert not list(home.iterdir())
    assert (tmp_path / "out.json").is_file()
