"""The network in PyTorch, on its device: where it runs, in which precision, and how it predicts.

Precisions round differently, so masks differ in a few border pixels:
those of bf16 agree with those of fp32 to a mean IoU of 0.98 or better (held by a test). On a CPU
without bf16 units bf16 is several times slower than fp32, so `auto` never takes it there.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Self

import torch

from boxmask.models import Cuts, MaskNetwork, Views
from boxmask.models.inference import predict_masks
from boxmask.models.prediction import MaskPrediction
from boxmask.models.weights import load_network

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class DeviceNetwork:
    """A network on its device, ready to predict."""

    def __init__(
        self,
        network: MaskNetwork,
        *,
        device: str,
        precision: str,
        threads: int | None = None,
        card: Mapping[str, Any] | None = None,
    ) -> None:
        self.threads = threads  # on a CPU; None leaves that to torch
        self.config = network.config
        self.card = card or {}
        self.device = torch.device(device)
        self.dtype = DTYPES[precision]
        self.network = network.eval().to(self.device).to(memory_format=torch.channels_last)

    @classmethod
    def load(
        cls, weights: Path, *, device: str, precision: str, threads: int | None = None
    ) -> Self:
        """Load a weights file onto a device."""
        network, card = load_network(weights)
        return cls(network, device=device, precision=precision, threads=threads, card=card)

    def predict(self, cuts: Cuts, *, chunk: int, flip: bool = False) -> MaskPrediction:
        """Predict the masks of all boxes of the cuts, at most `chunk` boxes at once.

        They may still be under way on the device; `to_numpy` waits for them.
        """
        views = Views.of(cuts)
        if self.device.type == "cuda":
            views = views.pin_memory().to(self.device, non_blocking=True)
        else:
            views = views.to(self.device)
        with self.computing():
            return predict_masks(self.network, views, box_chunk=chunk, flip=flip)

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Compute as this network does: without gradients, in its precision, on its threads."""
        with (
            torch.inference_mode(),
            _cpu_threads(self.threads),
            self._autocast(),
            _deterministic_cudnn(self.device),
        ):
            yield

    def _autocast(self) -> AbstractContextManager[None]:
        if self.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)


@contextmanager
def _cpu_threads(threads: int | None) -> Iterator[None]:
    """Compute with so many threads; those of the program that uses us come back."""
    before = torch.get_num_threads()
    if threads is not None and threads != before:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


def _deterministic_cudnn(device: torch.device) -> AbstractContextManager[None]:
    """Keep cuDNN from choosing by the speed of the moment, and from taking TF32 for fp32."""
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
