"""OpenVINO in bf16: some layers stay in fp32, and only where the CPU has units for it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotation_files import WINDOWS, annotate, make_job, write_weights

import boxmask
from boxmask.annotate.runtime import choose_runtime, load_network, why_not_openvino
from boxmask.bundled import BUNDLED
from boxmask.errors import ConfigError, RunError
from boxmask.models.exact import check_kept, exact_layers
from boxmask.models.graph import Form, find_graph
from boxmask.models.header import read_header
from boxmask.models.openvino_library import computes_bf16, openvino

PHOTOS = Path(__file__).parents[1] / "examples" / "photos"
CPU: Any = {"device": "cpu", "runtime": "openvino"}
needs_units = pytest.mark.skipif(not computes_bf16(), reason="this CPU has no units for bf16")


@pytest.fixture
def tiny_weights(tmp_path: Path) -> Path:
    """Weights of a tiny network whose graphs were made."""
    weights = write_weights(tmp_path, **WINDOWS)
    load_network(weights, device="cpu", precision="fp32", runtime="openvino", threads=1)
    return weights


def bundled_model(*, unmarked: bool = False) -> Any:
    graph = find_graph(read_header(BUNDLED).config, Form(144))
    assert graph is not None
    xml = re.sub(rb"<attribute name=.(Disable|precise)[^>]*>", b"", graph.xml) * unmarked
    constants = openvino().Tensor(np.frombuffer(graph.constants, np.uint8))
    return openvino().Core().read_model(xml or graph.xml, constants)


@needs_units
def test_masks_in_bf16_agree_with_those_in_fp32() -> None:
    data = json.loads((PHOTOS / "boxes.json").read_bytes())
    exact, mixed = (boxmask.load(**CPU, precision=each) for each in ("fp32", "bf16"))
    shared: list[float] = []
    for image in data["images"][:3]:
        sides = [a["bbox"] for a in data["annotations"] if a["image_id"] == image["id"]]
        boxes = np.array(sides, np.float64)
        boxes[:, 2:] += boxes[:, :2]
        found, wanted = (ask(PHOTOS / image["file_name"], boxes) for ask in (mixed, exact))
        assert 0 < np.abs(found.expected_iou - wanted.expected_iou).max() < 0.01
        both, either = found.masks & wanted.masks, found.masks | wanted.masks
        shared += (both.sum(axis=(1, 2)) / either.sum(axis=(1, 2))).tolist()
    assert len(shared) >= 6 and np.mean(shared) >= 0.995


def test_the_stem_and_what_judges_the_mask_stay_exact() -> None:
    model = bundled_model()
    layers = {node.get_friendly_name(): node for node in model.get_ordered_ops()}
    kept = [layers[name] for name in exact_layers(model)]
    heights = [
        node.output(0).get_shape()[2]
        for node in kept
        if node.get_type_name().endswith("Convolution")
    ]
    # Before the map of stride 4, and its first layer; then those of the expected IoU.
    assert heights[-4:] == [36, 18, 9, 5] and set(heights[:-4]) == {72}
    kinds = {node.get_type_name() for node in kept}
    assert {
        "Sigmoid",
        "AdaptiveAvgPool",
        "ReduceMax",
    } <= kinds and "ConvolutionBackpropData" not in kinds


@needs_units
def test_a_version_of_openvino_that_rounds_them_is_refused() -> None:
    model, unmarked = bundled_model(), bundled_model(unmarked=True)
    for one in (model, unmarked):
        compiled = openvino().Core().compile_model(one, "CPU", {"INFERENCE_PRECISION_HINT": "bf16"})
        if one is model:
            check_kept(model, compiled)
        else:
            with pytest.raises(ConfigError, match="OpenVINO rounds what has to stay in fp32"):
                check_kept(model, compiled)


def test_a_cpu_without_units_is_never_asked(
    tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where: Any = {"device": "cpu", "precision": "bf16"}
    monkeypatch.setattr("boxmask.annotate.runtime.computes_bf16", lambda: False)
    assert choose_runtime("auto", tiny_weights, **where) == "torch"
    assert "no units for bf16" in why_not_openvino(tiny_weights, **where)
    for ask in (choose_runtime, _load):  # who begins a run, and a worker of one
        with pytest.raises(ConfigError, match="--runtime openvino: this CPU has no units for bf16"):
            ask("openvino", tiny_weights, **where)


def _load(runtime: str, weights: Path, **where: Any) -> Any:
    return load_network(weights, **where, runtime=runtime)


@needs_units
def test_the_plan_names_the_precision_and_another_machine_goes_on_or_refuses(
    tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(tmp_path, weights=tiny_weights)
    first = annotate(replace(job, precision="bf16"))
    assert (first.runtime, first.precision) == ("openvino", "bf16")
    assert annotate(job).already_done
    with pytest.raises(RunError, match='--precision: was "bf16", now "fp32"'):
        annotate(replace(job, precision="fp32"))
    monkeypatch.setattr("boxmask.annotate.runtime.computes_bf16", lambda: False)
    with pytest.raises(ConfigError, match="no units for bf16"):
        annotate(job)
    assert annotate(replace(job, fresh=True)).precision == "fp32"
