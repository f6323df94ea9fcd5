"""What a person has added to an output: annotations that the input does not have, and categories.

They are told by their mark, so that everything else that was added counts as a fault.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from boxmask.check.masks import Claim, claim_of, mask_faults
from boxmask.check.values import Values
from boxmask.check.verdict import corrected
from boxmask.data.annotated_file import AnnotatedFile
from boxmask.data.numbers import as_id
from boxmask.data.raw.document import decode_lenient
from boxmask.data.raw.members import split_members
from boxmask.dataset import BoxDataset, Id
from boxmask.mark import Status, read_mark

_NULL = msgspec.Raw(b"null")


class _Added(NamedTuple):
    id: Id
    problem: str
    claim: Claim | None


def drawn_faults(
    dataset: BoxDataset, output: AnnotatedFile, positions: Sequence[int]
) -> Iterator[tuple[int, str]]:
    """Yield (position, what is wrong or "") of each annotation at `positions` that was drawn.

    Its id must be its own, its image one of the dataset, its category one of the output, and its
    mask a mask of that image. What has no such mark is left out.
    """
    places = {id: image for image, id in enumerate(dataset.image_ids)}
    categories = _ids(output, "categories")
    found = {}
    for position in positions:
        theirs = split_members(output.records[position])
        if is_drawn(theirs):
            found[position] = _judge(position, theirs, places, categories, output)
    times = Counter(output.ids) if found else Counter()
    claims = [added.claim for added in found.values() if added.claim is not None]
    faults = dict(mask_faults(claims, np.full((len(claims), 4), np.nan)))
    for position, added in found.items():
        clash = f"was drawn, but its id {added.id!r} is not its own"
        yield (
            position,
            clash if times[added.id] > 1 else added.problem or faults.get(position, ""),
        )


def is_drawn(theirs: Values) -> bool:
    """Tell whether a record says that a person has drawn it."""
    mark = read_mark(theirs.get("boxmask", _NULL))
    return mark is not None and mark.status == Status.DRAWN


def _judge(
    position: int,
    theirs: Values,
    places: dict[Id, int],
    categories: set[Id],
    output: AnnotatedFile,
) -> _Added:
    id, image_id, category_id = (_id_at(theirs, key) for key in ("id", "image_id", "category_id"))
    mark = read_mark(theirs["boxmask"])
    assert mark is not None
    image = places.get(image_id, -1)
    if id is None:
        return _Added(id, "was drawn, but has no id", None)
    if image < 0:
        return _Added(id, f"was drawn on image {image_id!r}, which there is not", None)
    if category_id is not None and category_id not in categories:
        return _Added(id, f"was drawn as category {category_id!r}, which there is not", None)
    found = corrected(mark, Status.DRAWN)
    width, height = output.sizes[image].tolist()
    return _Added(id, "", claim_of(position, theirs, found, width, height))


def _ids(output: AnnotatedFile, key: str) -> set[Id]:
    """Return the ids of a list at the top level of an output."""
    value = output.document.value(key)
    items = value if isinstance(value, list) else []
    return {as_id(item.get("id")) for item in items if isinstance(item, dict)}


def _id_at(values: Values, key: str) -> Id:
    """Return an id that a record names, None for what is none."""
    try:
        return as_id(decode_lenient(values.get(key, _NULL)))
    except ValueError:
        return None
