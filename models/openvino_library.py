"""OpenVINO, imported without its telemetry: that would tell a server of every import.

Its converter, which imports the telemetry, is left out as well until it is asked for: half of the
time that importing OpenVINO takes is for it, and only making a graph needs it.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from boxmask.errors import ConfigError

_CONVERTER, _CONVERT = "openvino.tools.ovc", "convert_model"
_TELEMETRY = "openvino_telemetry"
_importing = threading.RLock()  # both sizes of views are compiled at once


def has_openvino() -> bool:
    """Tell whether OpenVINO is installed."""
    return find_spec("openvino") is not None


def openvino() -> Any:
    """Import OpenVINO, which does without a converter that cannot be imported."""
    try:
        with _importing, _hidden(_CONVERTER), _hidden(_TELEMETRY):
            library = import_module("openvino")
    except ImportError as error:
        raise ConfigError(
            f"OpenVINO cannot be imported ({error}); install it again, or give --runtime torch."
        ) from error
    if _CONVERT not in vars(library):
        vars(library)["__getattr__"] = _attribute  # for others who use it in this process
    return library


def convert(program: Any) -> Any:
    """Convert a program of PyTorch's to a model."""
    openvino()
    return _converter()(program)


def _attribute(name: str) -> Any:
    """Import what has been left out of the module when it is first asked for."""
    if name == _CONVERT:
        return _converter()
    raise AttributeError(f"module 'openvino' has no attribute {name!r}")


def _converter() -> Any:
    with _importing, _hidden(_TELEMETRY):  # there is a stub for where it is not installed
        return import_module(_CONVERTER).convert_model


def computes_bf16() -> bool:
    """Tell whether the CPU has units for bf16, so that it gains by it."""
    return "BF16" in openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def passes() -> Any:
    """Import what transforms models."""
    openvino()
    return import_module("openvino.passes")


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Let a module seem not to be installed, unless somebody else has imported it, or OpenVINO."""
    if name in sys.modules or ("openvino" in sys.modules and name != _TELEMETRY):
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
