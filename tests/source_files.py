"""Small box datasets of every format that is not COCO, about photos of 40 x 30 pixels.

Each has the same two boxes in 0.png, (4, 3, 24, 18) of a cat and (10, 6, 30, 27) of a dog, and one
in 1.png, (2, 3, 22, 24) of a dog.
"""

from collections.abc import Mapping
from pathlib import Path

Files = Mapping[str, str]

YOLO: Files = {
    "data.yaml": "train: images\nnames:\n  0: cat\n  1: dog\n",
    "labels/0.txt": "0 0.35 0.35 0.5 0.5\n1 0.5 0.55 0.5 0.7\n",
    "labels/1.txt": "1 0.3 0.45 0.5 0.7\n",
}


def write_files(folder: Path, files: Files) -> Path:
    """Write texts below a folder and return it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
    return folder


def write_source(folder: Path, files: Files, name: str = "") -> Path:
    """Write the files of a dataset, and return the path of one of them, or of their folder."""
    write_files(folder, files)
    return folder / name if name else folder
