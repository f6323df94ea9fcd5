"""The model that comes with boxmask, used where no other is named."""

from pathlib import Path

BUNDLED = Path(__file__).parent / "weights" / "zoom-lite2.safetensors"
