"""The classes of a detector: those of all annotation files together, each name once.

Shapes: C categories, counted over all files one after another.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from boxmask.dataset import Id, IntArray
from boxmask.models.config import ModelConfig
from boxmask.train.data.sources import Source


def with_classes(model: ModelConfig, sources: Sequence[Source]) -> ModelConfig:
    """Give a model with a detector the classes to tell apart, and their ids where those are sound.

    Where files number them differently, or not at all, they are numbered from 1.
    """
    if model.detector is None:
        return model
    ids: dict[str, Id] = {}
    for category in (one for source in sources for one in source.dataset.categories):
        ids.setdefault(category.name, category.id)
    sound = tuple(id for id in ids.values() if isinstance(id, int | str))
    unlike = len(set(sound)) == len(ids)
    class_ids = sound if unlike else tuple(range(1, len(ids) + 1))
    return replace(model, classes=tuple(ids), class_ids=class_ids)


def class_numbers(classes: Sequence[str], sources: Sequence[Source]) -> IntArray:
    """Return for each category of all files (C,) its place in `classes`, -1 for none."""
    numbers = {name: number for number, name in enumerate(classes)}
    names = [one.name for source in sources for one in source.dataset.categories]
    return np.array([numbers.get(name, -1) for name in names], dtype=np.int64)
