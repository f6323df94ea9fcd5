"""The finished output in the forms that other programs read."""

from boxmask.export.index_png import index_png_names, write_index_pngs
from boxmask.export.yolo import write_yolo, yolo_names

__all__ = ["index_png_names", "write_index_pngs", "write_yolo", "yolo_names"]
