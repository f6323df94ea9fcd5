"""A part of a dataset: the first images, some categories, images by their names.

Letters: N annotations, I images. Numpy is imported when it is needed: the command line reads this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from boxmask.errors import InputError

if TYPE_CHECKING:
    from boxmask.dataset import BoxDataset
    from boxmask.faults import Flags


@dataclass(frozen=True, kw_only=True)
class Subset:
    """What to annotate of a dataset; all of it by default."""

    limit: int | None = None  # images, the first of those that the others leave
    category: tuple[str, ...] = ()  # names; any of them
    image: tuple[str, ...] = ()  # patterns of file names, with * and ?; any of them

    def __bool__(self) -> bool:
        return self != Subset()

    def rows(self, dataset: BoxDataset) -> Flags:
        """Tell which annotations are in it (N,); InputError for what nothing is called."""
        import numpy as np

        inside = np.ones(len(dataset.annotation_ids), np.bool_)
        if self.category:
            inside &= self._of_categories(dataset)[dataset.category_index]
        if self.image:
            inside &= self._of_images(dataset)[dataset.image_index]
        if self.limit is not None:
            inside &= dataset.image_index >= 0
            first = np.unique(dataset.image_index[inside])[: self.limit]
            inside &= np.isin(dataset.image_index, first)
        return inside

    def _of_categories(self, dataset: BoxDataset) -> Flags:
        """Tell which categories are in it, and last, that none is not."""
        import numpy as np

        names = [category.name for category in dataset.categories]
        for name in self.category:
            if name not in names:
                raise InputError(
                    f"{dataset.path}: no category is called {name!r}. {_known(name, names)}"
                )
        return np.array([*(name in self.category for name in names), False])

    def _of_images(self, dataset: BoxDataset) -> Flags:
        """Tell which images (I,) are in it, and last, that none is not."""
        import numpy as np

        found = [
            any(fnmatchcase(name, pattern) for pattern in self.image) for name in dataset.file_names
        ]
        if not any(found):
            first = ", ".join(dataset.file_names[:3])
            raise InputError(
                f"{dataset.path}: no file name is like {' or '.join(self.image)}. The first are "
                f"{first}; * stands for anything, quote it for the shell."
            )
        return np.array([*found, False])


def _known(name: str, names: Iterable[str]) -> str:
    names = sorted(set(names))
    close = get_close_matches(name, names, n=3) or [
        other for other in names if other.casefold() == name.casefold()
    ]
    if close:
        return f"Is {' or '.join(close)} meant?"
    return f"There are {', '.join(names[:20])}{' and others' if len(names) > 20 else ''}."
