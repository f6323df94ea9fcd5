"""Where the label files of a YOLO dataset are, and what its classes are called.

Either a data.yaml tells, as ultralytics writes it, or the folder itself: texts below a folder
`labels`, or beside their images as darknet has them, with the names in classes.txt or obj.names.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import yaml

from boxmask.data.raw.input import Input, files_below
from boxmask.errors import InputError

SPLITS = ("train", "val", "valid", "test")
NAME_FILES = ("classes.txt", "obj.names", "_darknet.labels", "labels.txt", "names.txt")
# Texts in such a folder that hold no labels: names, lists of images, and words for people.
_NO_LABELS = (*NAME_FILES, *(f"{split}.txt" for split in SPLITS), "requirements.txt")
MOST_CLASSES = 100_000
_PLACE = re.compile("[0-9]{1,9}")
_LOOKED_AT = 20  # texts, before a folder is taken for one without labels


class Layout(NamedTuple):
    """The label files, by their paths from the folder of the source, and the classes if named."""

    labels: list[str]
    names: list[str] | None
    said_by: list[str]  # the files that say so


def find_layout(source: Input) -> Layout | None:
    """Lay out a YOLO dataset; None if the source is none."""
    if source.is_folder:
        tops = [name for name in source.files if "/" not in name and _is_yaml(name)]
    else:
        tops = [source.path.name] if _is_yaml(source.path.name) else []
    for name in tops:
        config = _config(source, name)
        if "names" in config and any(split in config for split in SPLITS):
            return Layout(list(_listed(source, name, config)), _names_of(config), [name])
    if source.is_folder or source.path.suffix == ".data":
        return _found(source)
    return None


def images_of(label: str) -> list[str]:
    """Return where the image of a label file may be, without its ending."""
    *folders, stem = PurePosixPath(label).with_suffix("").parts
    if "labels" in folders:
        place = len(folders) - 1 - folders[::-1].index("labels")
        swapped = [*folders[:place], "images", *folders[place + 1 :]]
        return ["/".join([*swapped, stem]), "/".join([*folders, stem])]
    return ["/".join([*folders, stem])]


def _is_yaml(name: str) -> bool:
    return name.lower().endswith((".yaml", ".yml"))


def _config(source: Input, name: str) -> dict[str, object]:
    """Read a YAML file with all its scalars as texts; empty if it is none or no mapping."""
    try:
        # Texts only: a class called `no` or `1e3` keeps its name.
        config = yaml.load(source.content(name), yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}


def _names_of(config: dict[str, object]) -> list[str] | None:
    names = config["names"]
    if isinstance(names, list):
        return _texts(names)
    if not isinstance(names, dict) or not all(map(_PLACE.fullmatch, names)):
        return None
    named = _texts(list(names.values()))
    if named is None:
        return None
    numbered = dict(zip(map(int, names), named, strict=True))
    if max(numbered, default=0) >= MOST_CLASSES:
        return None
    return [numbered.get(k, str(k)) for k in range(max(numbered, default=-1) + 1)]


def _texts(values: list[object]) -> list[str] | None:
    """Return values that are all texts; lists that name each other may be endless in writing."""
    texts = [value for value in values if isinstance(value, str)]
    return texts if len(texts) == len(values) else None


def _listed(source: Input, yaml_name: str, config: dict[str, object]) -> Iterator[str]:
    """Yield the label files of all splits; InputError if no split leads to any."""
    tried, seen = [], set()
    for split in SPLITS:
        value = config.get(split)
        for entry in _texts(value if isinstance(value, list) else [value] if value else []) or ():
            for root in (*(_texts([config.get("path", "")]) or ()), ""):
                place = _existing(source.folder / root, entry)
                tried.append(str(source.folder / root / entry))
                if place is not None:
                    break
            for label in _labels_at(source, place) if place is not None else ():
                if label not in seen:
                    seen.add(label)
                    yield label
    if not seen:
        raise InputError(
            f"{source.folder / yaml_name}: none of train, val and test leads to label files; "
            f"looked at {', '.join(tried)}. Mend the paths in it, or give the folder itself."
        )


def _existing(root: Path, entry: str) -> Path | None:
    """Return what an entry names; exports say ../train/images of what lies beside the file."""
    places = [root / entry] + ([root / entry[3:]] if entry.startswith("../") else [])
    exists, is_dir = os.path.exists, os.path.isdir  # also of names that are too long
    return next((place for place in places if exists(place) or is_dir(_labels_of(place))), None)


def _labels_at(source: Input, place: Path) -> Iterator[str]:
    """Yield the label files of a folder of images, or of a text that lists images."""
    if not place.is_file():
        folder = _labels_of(place) if _labels_of(place).is_dir() else place
        for name in sorted(files_below(folder)):
            if name.endswith(".txt") and _may_hold_labels(name):
                yield _below(source, folder / name)
        return
    for line in place.read_text("utf-8", errors="surrogateescape").splitlines():
        if line.strip():
            image = place.parent / line.strip()
            label = _labels_of(image).with_suffix(".txt")
            if os.path.isfile(label):  # noqa: PTH113 (a line of any length)
                yield _below(source, label)


def _labels_of(path: Path) -> Path:
    """Put `labels` in the place of the last folder called `images`, as ultralytics does."""
    head, found, tail = f"/{path}/".rpartition("/images/")
    return Path(f"{head}/labels/{tail}"[1:]) if found else path


def _below(source: Input, path: Path) -> str:
    return os.path.relpath(path, source.folder).replace(os.sep, "/")


def _may_hold_labels(name: str) -> bool:
    name = PurePosixPath(name).name.lower()
    return name not in _NO_LABELS and not name.startswith("readme")


def _found(source: Input) -> Layout | None:
    """Lay out a folder without a data.yaml; None if no text in it begins like a label file."""
    files = source.files if source.is_folder else tuple(sorted(files_below(source.folder)))
    texts = [name for name in files if name.endswith(".txt") and _may_hold_labels(name)]
    inside = [name for name in texts if "labels" in name.split("/")[:-1]]
    labels = inside or texts
    if not any(_begins_like_labels(source.content(name)) for name in labels[:_LOOKED_AT]):
        return None
    named = [
        n for n in files if PurePosixPath(n).name.lower() in NAME_FILES or n.endswith(".names")
    ]
    if not named:
        return Layout(labels, None, [])
    first = min(named, key=lambda name: (name.count("/"), name))
    lines = source.content(first).decode("utf-8", "surrogateescape").splitlines()
    return Layout(labels, [line.strip() for line in lines if line.strip()], [first])


def _begins_like_labels(text: bytes) -> bool:
    fields = text[:1000].split(b"\n")[0].split()
    try:
        return len(fields) >= 5 and all(float(field) == float(field) for field in fields)
    except ValueError:
        return False
