"""The finished output in the forms that other programs read."""

from boxmask.export.index_png import write_index_pngs
from boxmask.export.yolo import write_yolo

__all__ = ["write_index_pngs", "write_yolo"]
