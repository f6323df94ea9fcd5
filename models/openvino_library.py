"""OpenVINO, imported without its telemetry: that would tell a server of every import."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from boxmask.errors import ConfigError

_TELEMETRY = "openvino_telemetry"


def has_openvino() -> bool:
    """Tell whether OpenVINO is installed."""
    return find_spec("openvino") is not None


def openvino() -> Any:
    """Import OpenVINO; it has a stub for where its telemetry is not installed."""
    with _without_telemetry():
        try:
            return import_module("openvino")
        except ImportError as error:
            raise ConfigError(
                f"OpenVINO cannot be imported ({error}); install it again, or give --runtime torch."
            ) from error


def computes_bf16() -> bool:
    """Tell whether the CPU has units for bf16, so that it gains by it."""
    return "BF16" in openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def passes() -> Any:
    """Import what transforms models."""
    openvino()
    return import_module("openvino.passes")


@contextmanager
def _without_telemetry() -> Iterator[None]:
    """Hide the telemetry, unless somebody else has imported it already."""
    if "openvino" in sys.modules or _TELEMETRY in sys.modules:
        yield
        return
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[_TELEMETRY]
