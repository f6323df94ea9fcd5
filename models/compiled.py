"""A network computed by OpenVINO on a CPU: another runtime for the question of prediction.py.

Shapes: N boxes, V views of a request, M mask side. A request is computed by one thread, and as many
at once as there are threads. Its views do not change each other: a mask depends neither on what
shares its batch nor on the threads. Where many views come, requests become pairs (pairs.py).
In bf16, the layers that the graph marks (exact.py) stay in fp32.
"""

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from safetensors import safe_open

from boxmask.errors import WeightsError
from boxmask.models.config import ModelConfig
from boxmask.models.cuts import Cuts
from boxmask.models.exact import check_kept
from boxmask.models.graph import INPUTS, PAIR, Form, Graph, find_graph, view_sides
from boxmask.models.header import Header, check_shapes, read_header
from boxmask.models.openvino_library import openvino
from boxmask.models.pairs import SAMPLE, Pairs
from boxmask.models.prediction import MaskPrediction
from boxmask.models.recipes import made
from boxmask.models.threshold_arrays import expected_iou, probabilities_of, quality_of

Floats = npt.NDArray[np.float32]

_HINTS = {"fp32": "f32", "bf16": "bf16"}  # by precision


class _Queue(NamedTuple):
    requests: Any  # OpenVINO's AsyncInferQueue
    views: int  # of a request
    mask_side: int


class CompiledNetwork:
    """A network, ready to predict; safe to call from many threads."""

    def __init__(
        self,
        header: Header,
        graphs: Mapping[Form, Graph],
        tensors: Mapping[str, Floats],
        *,
        threads: int,
        precision: str,
    ) -> None:
        self._header = header
        self._graphs = dict(graphs)  # of views alone; those of pairs are read when they are wanted
        self._tensors = tensors  # what graphs are given beside their inputs, by recipes as texts
        self._threads = threads
        self._precision = precision
        self._lock = threading.Lock()
        self._compiling = ThreadPoolExecutor(len(graphs))
        self._pairs = Pairs(threads)
        self._queues: dict[int, Future[_Queue]] = {}  # by the side of the views
        if threads > 1:  # while boxes and images are read
            for side in view_sides(header.config):
                self._queue(side)

    @classmethod
    def load(cls, weights: Path, *, threads: int, precision: str = "fp32") -> Self:
        """Load a weights file whose graphs there are; `precision` is fp32 or bf16."""
        header = read_header(weights)
        alone = (Form(side) for side in view_sides(header.config))
        graphs = {form: _graph(header.config, form) for form in alone}
        for graph in graphs.values():
            check_shapes(weights, header, graph.tensors.floating | graph.tensors.whole)
        tensors = _made(weights, graphs.values())
        return cls(header, graphs, tensors, threads=threads, precision=precision)

    @property
    def config(self) -> ModelConfig:
        """What the network is made of."""
        return self._header.config

    @property
    def card(self) -> Mapping[str, Any]:
        """What its weights file says of it."""
        return self._header.card

    def predict(self, cuts: Cuts, *, chunk: int, flip: bool = False) -> MaskPrediction:
        """Predict the masks of all boxes of the cuts; views are never computed in chunks."""
        with self._lock:
            self._settle_form(cuts)
            logits, beside = self._answers(cuts)
            if flip:
                mirrored, mirrored_beside = self._answers(cuts.mirrored())
        best = expected_iou(logits)
        quality = quality_of(beside, best)
        if flip:
            quality = _mean(quality, quality_of(mirrored_beside, expected_iou(mirrored)))
            logits = _mean(logits, mirrored[..., ::-1])
            best = expected_iou(logits)
        return MaskPrediction(probabilities_of(logits, best), quality)

    def _settle_form(self, cuts: Cuts) -> None:
        """Have views computed in pairs from now on if that pays, and changes nothing."""
        side = cuts.pixels.shape[1]
        if not self._pairs.would_pay(side, len(cuts)):
            return
        form = Form(side, PAIR)
        pair = find_graph(self.config, form)
        if pair is None or not _texts(pair) <= self._tensors.keys():  # the cache folder was emptied
            self._pairs.give_up(side)
            return
        self._graphs[form] = pair
        some = cuts.first(SAMPLE)
        alone = self._answers(some)
        self._pairs.begin(side)
        # The one is let go before the other is there: both take a quarter more memory.
        self._queues.pop(side)
        if not all(map(np.array_equal, alone, self._answers(some))):
            self._pairs.give_up(side)
            self._queues.pop(side)

    def _answers(self, cuts: Cuts) -> tuple[Floats, Floats]:
        """Return the logits (N,M,M), and what the expected IoU is made of beside them (N,2)."""
        requests, views, side = self._queue(cuts.pixels.shape[1]).result()
        logits = np.empty((len(cuts), side, side), np.float32)
        beside = np.empty((len(cuts), 2), np.float32)

        def keep(request: Any, given: tuple[int, list[Any]]) -> None:
            boxes = slice(given[0], min(given[0] + views, len(cuts)))
            logits[boxes] = request.get_output_tensor(0).data[: boxes.stop - boxes.start]
            beside[boxes] = request.get_output_tensor(1).data[: boxes.stop - boxes.start]

        requests.set_callback(keep)
        for first in range(0, len(cuts), views):
            inputs = _inputs(cuts, first, views)
            requests.start_async(inputs, (first, inputs), share_inputs=True)
        requests.wait_all()
        return logits, beside

    def _queue(self, side: int) -> "Future[_Queue]":
        if side not in self._queues:
            form = Form(side, self._pairs.views(side))
            self._queues[side] = self._compiling.submit(self._compile, form)
        return self._queues[side]

    def _compile(self, form: Form) -> "_Queue":
        model = _model(self._graphs[form], self._tensors)
        compiled = openvino().Core().compile_model(model, "CPU", self._options())
        if self._precision != "fp32":
            check_kept(model, compiled)
        requests = openvino().AsyncInferQueue(compiled, self._threads)
        return _Queue(requests, form.views, int(compiled.output(0).shape[-1]))

    def _options(self) -> dict[str, Any]:
        """Return how OpenVINO is to compute."""
        streams = {"NUM_STREAMS": self._threads, "INFERENCE_NUM_THREADS": self._threads}
        # Pinned threads would wait for their core while others are idle.
        hint = _HINTS[self._precision]
        return streams | {"INFERENCE_PRECISION_HINT": hint, "ENABLE_CPU_PINNING": False}


def _mean(ones: Floats, others: Floats) -> Floats:
    mean: Floats = (ones + others) / np.float32(2)
    return mean


def _graph(config: ModelConfig, form: Form) -> Graph:
    graph = find_graph(config, form)
    if graph is None:
        raise WeightsError(f"there is no graph for views of side {form.side}; use --runtime torch.")
    return graph


def _inputs(cuts: Cuts, first: int, count: int) -> list[Any]:
    """Return what a graph is given of some boxes, in the order of graph.INPUTS.

    Where there are too few, the last comes again.
    """
    boxes = np.minimum(np.arange(first, first + count), len(cuts) - 1)
    views = cuts.index[boxes]
    given: list[Any] = [cuts.pixels[views], cuts.boxes[boxes]]
    return given if cuts.hints is None else [*given, cuts.hints[views]]


def _model(graph: Graph, tensors: Mapping[str, Floats]) -> Any:
    """Return a graph as OpenVINO's model, with its tensors in it."""
    library = openvino()
    constants = library.Tensor(np.frombuffer(graph.constants, np.uint8))
    model = library.Core().read_model(graph.xml, constants)
    for parameter in model.get_parameters():
        name = parameter.get_friendly_name()
        if name not in INPUTS:
            tensor = tensors[repr(graph.tensors.recipes[name])]
            constant = library.opset13.constant(tensor, shared_memory=True)
            parameter.output(0).replace(constant.output(0))
            model.remove_parameter(parameter)
    return model


def _texts(graph: Graph) -> set[str]:
    return {repr(recipe) for recipe in graph.tensors.recipes.values()}


def _made(weights: Path, graphs: Iterable[Graph]) -> dict[str, Floats]:
    """Make what graphs are given, by the texts of the recipes; what several are given once."""
    found: dict[str, Floats] = {}
    with safe_open(weights, framework="np") as file:
        for graph in graphs:
            for recipe in graph.tensors.recipes.values():
                if repr(recipe) not in found:
                    found[repr(recipe)] = made(recipe, partial(_tensor, weights, file))
    return found


def _tensor(weights: Path, file: Any, name: str) -> Floats:
    """Read a tensor that a network computes with, as float32."""
    try:
        tensor = file.get_tensor(name)
    except TypeError as error:
        raise WeightsError(
            f"{weights}: tensor {name} is of a kind of numbers that only PyTorch has "
            f"({error}); give --runtime torch."
        ) from error
    if tensor.dtype.kind != "f":
        raise WeightsError(
            f"{weights}: tensor {name} is of {tensor.dtype}, its network computes with "
            "float32; the file was put together wrongly, use another."
        )
    found: Floats = tensor.astype(np.float32)
    return found
