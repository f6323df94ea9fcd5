"""Where a network computes, and how precisely.

PyTorch is asked only where there may be something else than a CPU: importing it takes seconds.
"""

import ctypes.util
import platform
import sys
from pathlib import Path

from boxmask.errors import ConfigError

# Where the drivers of NVIDIA, of NVIDIA under WSL and of AMD show themselves.
_DEVICE_FILES = tuple(Path("/dev", name) for name in ("nvidiactl", "nvidia0", "dxg", "kfd"))
_WINDOWS_DRIVERS = ("nvcuda", "amdhip64")


def choose_device(wanted: str) -> str:
    """Return the device to use; `auto` takes CUDA, else MPS, else the CPU."""
    if wanted == "cpu" or (wanted == "auto" and not may_have_gpu()):
        return "cpu"
    import torch

    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return next((name for name, there in found.items() if there), "cpu")
    try:
        kind = torch.device(wanted).type
    except RuntimeError as error:
        raise ConfigError(f"--device {wanted}: PyTorch knows no such device.") from error
    if not found.get(kind, kind == "cpu"):
        raise ConfigError(f"--device {wanted}: there is none on this machine.")
    return wanted


def may_have_gpu() -> bool:
    """Tell whether the machine shows any sign of a GPU that PyTorch could use."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform == "win32":
        return any(ctypes.util.find_library(name) for name in _WINDOWS_DRIVERS)
    return any(path.exists() for path in _DEVICE_FILES)


def choose_precision(wanted: str, device: str) -> str:
    """Return the precision to use; `auto` takes bf16 where CUDA has it, else fp32."""
    if wanted != "auto":
        return wanted
    if not device.startswith("cuda"):
        return "fp32"
    import torch

    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
