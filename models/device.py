"""Where a network computes."""

import torch

from boxmask.errors import ConfigError


def choose_device(wanted: str) -> str:
    """Return the device to use; `auto` takes CUDA, else MPS, else the CPU."""
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
