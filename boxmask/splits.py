"""Seen and unseen categories: the VOC / non-VOC split of COCO, and splits written by the user.

Letters: C categories of one dataset. A split of a dataset is a (C,) boolean array, so
`split[category_index]` says whether an instance belongs to it.
"""

import difflib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.dataset import Category
from boxmask.errors import ConfigError

BoolArray = npt.NDArray[np.bool_]

VOC = {
    1: "person", 2: "bicycle", 3: "car", 4: "motorcycle", 5: "airplane", 6: "bus", 7: "train",
    9: "boat", 16: "bird", 17: "cat", 18: "dog", 19: "horse", 20: "sheep", 21: "cow",
    44: "bottle", 62: "chair", 63: "couch", 64: "potted plant", 67: "dining table", 72: "tv",
}  # fmt: skip

NON_VOC = {
    8: "truck", 10: "traffic light", 11: "fire hydrant", 13: "stop sign", 14: "parking meter",
    15: "bench", 22: "elephant", 23: "bear", 24: "zebra", 25: "giraffe", 27: "backpack",
    28: "umbrella", 31: "handbag", 32: "tie", 33: "suitcase", 34: "frisbee", 35: "skis",
    36: "snowboard", 37: "sports ball", 38: "kite", 39: "baseball bat", 40: "baseball glove",
    41: "skateboard", 42: "surfboard", 43: "tennis racket", 46: "wine glass", 47: "cup",
    48: "fork", 49: "knife", 50: "spoon", 51: "bowl", 52: "banana", 53: "apple", 54: "sandwich",
    55: "orange", 56: "broccoli", 57: "carrot", 58: "hot dog", 59: "pizza", 60: "donut",
    61: "cake", 65: "bed", 70: "toilet", 73: "laptop", 74: "mouse", 75: "remote",
    76: "keyboard", 77: "cell phone", 78: "microwave", 79: "oven", 80: "toaster", 81: "sink",
    82: "refrigerator", 84: "book", 85: "clock", 86: "vase", 87: "scissors", 88: "teddy bear",
    89: "hair drier", 90: "toothbrush",
}  # fmt: skip

# The Pascal VOC spellings of names that COCO spells otherwise.
PASCAL_NAMES = {
    "aeroplane": "airplane", "motorbike": "motorcycle", "sofa": "couch",
    "pottedplant": "potted plant", "diningtable": "dining table", "tvmonitor": "tv",
}  # fmt: skip


def select(text: str, categories: Sequence[Category]) -> BoolArray:
    """Return which categories (C,) the text names: voc, non-voc, all, a file, or "person,dog"."""
    return select_each(text, [categories])[0]


def select_each(text: str, tables: Sequence[Sequence[Category]]) -> list[BoolArray]:
    """Select in several datasets at once; a name must be known to at least one of them."""
    if text == "all":
        return [np.ones(len(table), dtype=np.bool_) for table in tables]
    if text in ("voc", "non-voc"):
        voc = [_is_voc(table) for table in tables]
        return voc if text == "voc" else [~inside for inside in voc]
    wanted = _wanted(text)
    matches = [[_names(category) for category in table] for table in tables]
    known = {name for table in matches for names in table for name in names}
    for name in wanted:
        if _normalised(name) not in known:
            raise ConfigError(_unknown(name, tables))
    plain = {_normalised(name) for name in wanted}
    return [
        np.array([not plain.isdisjoint(names) for names in table], dtype=np.bool_)
        for table in matches
    ]


def _is_voc(categories: Sequence[Category]) -> BoolArray:
    """Tell VOC categories by COCO id where the ids are COCO's, and by name elsewhere."""
    # Only the full set of 80 ids, with its gaps, proves COCO: any other dataset counts 1, 2, 3 too.
    if {category.id for category in categories} == VOC.keys() | NON_VOC.keys():
        return np.array([category.id in VOC for category in categories], dtype=np.bool_)
    names = set(VOC.values())
    plain = (_normalised(category.name) for category in categories)
    return np.array([PASCAL_NAMES.get(name, name) in names for name in plain], dtype=np.bool_)


def _wanted(text: str) -> list[str]:
    """Return the names in a file (JSON list, or one a line) or in a comma-separated text."""
    path = Path(text)
    if "," not in text and _is_file(path):
        names = _read_names(path)
    else:
        names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise ConfigError(f'{text!r} names no category. Give voc, non-voc, all, a file or "a,b".')
    return names


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text that no file can have as its name
        return False


def _read_names(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a list of categories: {error}") from error
    if not text.startswith("["):
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        return [str(name) for name in msgspec.json.decode(text, type=list[str | int])]
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path}: is not a JSON list of category names: {error}") from error


def _names(category: Category) -> tuple[str, str]:
    return _normalised(category.name), str(category.id)


def _normalised(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())


def _unknown(name: str, tables: Sequence[Sequence[Category]]) -> str:
    known = sorted({category.name for table in tables for category in table})
    close = difflib.get_close_matches(_normalised(name), known, n=3)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    shown = ", ".join(known[:100]) + (f" and {len(known) - 100} more" if len(known) > 100 else "")
    return (
        f"no category is named {name!r}, and there is no such file.{hint} "
        f"Give voc, non-voc, all, a file of names, or names out of: {shown}."
    )
