"""The model that comes with boxmask, for whoever names no other."""

from pathlib import Path

BUNDLED = Path(__file__).parent / "weights" / "zoom-lite0.safetensors"
