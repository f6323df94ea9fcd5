"""The model that comes with boxmask, used where no other is named."""

from pathlib import Path

BUNDLED = Path(__file__).parent / "weights" / "zoom-tinyvit.safetensors"
_NAME = Path("bundled")


def find_weights(given: Path) -> Path:
    """Return the weights file that is meant: `bundled` is the bundled model, all else a path."""
    return BUNDLED if given == _NAME else given
