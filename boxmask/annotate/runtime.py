"""Which library computes the network: PyTorch anywhere, OpenVINO on a CPU.

Both answer the same question (models/prediction.py) and round differently. OpenVINO needs
half of the time on a CPU, and neither it nor what is around it imports PyTorch.
"""

from pathlib import Path

from boxmask.cores import core_count
from boxmask.errors import ConfigError, WeightsError
from boxmask.models.graph import cache_folder, has_graphs
from boxmask.models.header import read_header
from boxmask.models.openvino_library import computes_bf16, has_openvino
from boxmask.models.prediction import Network

TORCH, OPENVINO = "torch", "openvino"


def choose_runtime(wanted: str, weights: Path, *, device: str, precision: str) -> str:
    """Return the runtime to use; `auto` takes OpenVINO wherever it can at once."""
    if wanted == OPENVINO and (why := _why_never(weights, device, precision)):
        raise ConfigError(f"--runtime openvino: {why}")
    if wanted != "auto":
        return wanted
    return TORCH if why_not_openvino(weights, device=device, precision=precision) else OPENVINO


def why_not_openvino(weights: Path, *, device: str, precision: str) -> str:
    """Say why `auto` does not take OpenVINO, "" if it does."""
    try:
        if why := _why_never(weights, device, precision):
            return why
        if not has_graphs(read_header(weights).config):
            return (
                "OpenVINO has no graph of this network yet; --runtime openvino makes one, which "
                f"takes about a minute, and keeps it in {cache_folder()}."
            )
    except WeightsError:
        return "the weights cannot be read."  # loading them says why
    return ""


def _why_never(weights: Path, device: str, precision: str) -> str:
    """Say why OpenVINO cannot compute a network, "" if it can."""
    if device != "cpu" or precision not in ("fp32", "bf16"):
        return f"OpenVINO is for the CPU in fp32 or bf16, not for {device} in {precision}."
    if not has_openvino():
        return "OpenVINO is not installed; pip install openvino."
    if precision == "bf16" and not computes_bf16():
        return "this CPU has no units for bf16; give --precision fp32."
    if not read_header(weights).config.view_per_box:
        return "OpenVINO is for networks that see a view of each box, and this one sees images."
    return ""


def load_network(
    weights: Path, *, device: str, precision: str, runtime: str, threads: int | None = None
) -> Network:
    """Load a weights file onto a device, by the runtime that was chosen."""
    # Imported here, so that neither is where it is not used: PyTorch takes seconds.
    if runtime == TORCH:
        from boxmask.annotate.network import DeviceNetwork

        return DeviceNetwork.load(weights, device=device, precision=precision, threads=threads)
    from boxmask.models.compiled import CompiledNetwork

    if why := _why_never(weights, device, precision):  # on a worker's machine
        raise ConfigError(f"--runtime openvino: {why}")
    config = read_header(weights).config
    if not has_graphs(config):
        from boxmask.models.export import make_graphs

        make_graphs(config)
    return CompiledNetwork.load(weights, threads=threads or core_count(), precision=precision)
