"""Categories for Visual Genome, which only has free names and WordNet synsets.

By synset: every synset of every object is counted, the most common are the categories and their
rank, from 1, is the id; an object is used only if it has exactly one synset and that is among
them. By name: likewise with the first name of each object. By COCO: the synsets again, those that
mean one of COCO's 80 classes first, under that class's name.
"""

from array import array
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from boxmask.data.genome.coco_synsets import coco_then_common
from boxmask.dataset import Category
from boxmask.errors import ConfigError, InputError
from boxmask.faults import FaultCodes, code_of
from boxmask.formats import ReadOptions

_NOT_ONE = code_of("not exactly one synset")
_NOT_SELECTED = code_of("category not among the selected classes")
_NONE = -1
_MODES = ("coco", "name", "synset")


class GenomeCategories:
    """Collects the labels of all objects, then selects the categories."""

    def __init__(self, options: ReadOptions) -> None:
        if options.vg_categories not in _MODES:
            raise ConfigError(
                f"unknown vg_categories {options.vg_categories!r}; known: {', '.join(_MODES)}."
            )
        self._options = options
        self._aliases = read_aliases(options.vg_alias) if options.vg_alias else {}
        self._by_name = options.vg_categories == "name"
        self._counts: Counter[str] = Counter()
        self._codes: dict[str, int] = {}
        self._code_of_row = array("i")

    def add(self, names: list[list[str]], synsets: list[list[str]]) -> None:
        """Take the names and the synsets of the next objects."""
        labels = [self._canonical(each[:1]) for each in names] if self._by_name else synsets
        self._counts.update(chain.from_iterable(labels))
        codes = self._codes
        self._code_of_row.extend(
            codes.setdefault(each[0], len(codes)) if len(each) == 1 else _NONE for each in labels
        )

    def selected(self) -> list[Category]:
        """Return the categories, by rank or as in the joint list; ids count from 1."""
        return [Category(rank, name) for rank, (name, _) in enumerate(self._classes(), 1)]

    def index(self) -> tuple[npt.NDArray[np.int32], FaultCodes]:
        """Return the category and the fault of each object."""
        place_of_code = np.full(len(self._codes) + 1, -1, np.int32)  # the last is for no label
        for place, (_, label) in enumerate(self._classes()):
            if label in self._codes:
                place_of_code[self._codes[label]] = place
        codes = np.array(self._code_of_row, np.int64)
        index = place_of_code[codes]
        faults = np.where(index < 0, _NOT_SELECTED, 0)
        if not self._by_name:
            faults[codes == _NONE] = _NOT_ONE
        return index, faults.astype(np.uint8)

    def _classes(self) -> list[tuple[str, str]]:
        """Return (category name, label) in the order of the ids."""
        # Of equally common labels the one that the file has first comes first.
        common = [label for label, _ in self._counts.most_common(self._options.classes)]
        if self._options.vg_categories == "coco":
            return coco_then_common(common, self._counts)
        return [(label, label) for label in common]

    def _canonical(self, names: list[str]) -> list[str]:
        cleaned = [name.strip().lower() for name in names]
        return [self._aliases.get(name, name) for name in cleaned if name]


def read_aliases(path: Path) -> dict[str, str]:
    """Read object_alias.txt: on each line, names of one thing; the first stands for the others."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a list of aliases: {error}.") from error
    aliases: dict[str, str] = {}
    for line in lines:
        names = [name.strip().lower() for name in line.split(",")]
        for name in names[1:]:
            aliases.setdefault(name, names[0])
    return aliases
