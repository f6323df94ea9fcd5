"""Which instances a page asks for, and in which order.

Letters: N annotations of the file, n of them that pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from boxmask.dataset import IntArray
from boxmask.errors import ConfigError
from boxmask.faults import Flags
from boxmask.review.columns import VERDICTS, VerdictColumns
from boxmask.review.instances import STATUSES, Instances

Order = Literal["worst", "best", "file", "sample"]
SIZES = {"S": (0.0, 32.0**2), "M": (32.0**2, 96.0**2), "L": (96.0**2, np.inf)}  # COCO's, pixels


@dataclass(frozen=True)
class Filter:
    """What is asked for; what is left empty leaves nothing out."""

    category: tuple[str, ...] = ()  # names, any of them
    status: str = ""
    verdict: str = ""  # one of VERDICTS, or "any"
    as_of: int | None = None  # the verdict that counts is that of this entry's time
    size: str = ""  # one of SIZES
    iou_min: float | None = None
    iou_max: float | None = None  # itself left out, but for 1
    image: str = ""  # a text in the file name
    sample: bool = False  # only the rows of the audit's sample
    order: Order = "worst"

    @classmethod
    def of(cls, query: Sequence[tuple[str, str]]) -> "Filter":
        """Read the parameters of an address; ConfigError for a value that there is not."""
        given = {key: value for key, value in query if value}
        sample = given.get("sample", "0") != "0"
        as_of = number(given, "as_of")
        order = _one_of(given, "order", get_args(Order)) or ("sample" if sample else "worst")
        return cls(
            category=tuple(value for key, value in query if key == "category"),
            status=_one_of(given, "status", (*STATUSES, "drawn")),
            verdict=_one_of(given, "verdict", (*VERDICTS, "any")),
            as_of=None if as_of is None else int(as_of),
            size=_one_of(given, "size", tuple(SIZES)),
            iou_min=number(given, "iou_min"),
            iou_max=number(given, "iou_max"),
            image=given.get("image", ""),
            sample=sample,
            order=cast(Order, order),
        )

    def without_iou(self) -> "Filter":
        """Return the same without a bound on the expected IoU."""
        return replace(self, iou_min=None, iou_max=None)


def _one_of(given: Mapping[str, str], key: str, known: Sequence[str]) -> str:
    value = given.get(key, "")
    if value and value not in known:
        raise ConfigError(f"{key} is {value!r}; known: {', '.join(known)}.")
    return value


def number(given: Mapping[str, str], key: str) -> float | None:
    """Read a number of an address; None if it is not given."""
    if key not in given:
        return None
    try:
        value = float(given[key])
    except ValueError:
        value = np.nan
    if not abs(value) < 1e15:
        raise ConfigError(f"{key} is {given[key]!r}; give a number.")
    return value


@dataclass(frozen=True, eq=False)
class Selector:
    """Finds the rows that pass a filter, a million in milliseconds."""

    instances: Instances
    verdicts: VerdictColumns

    def rows(self, wanted: Filter, sample: IntArray) -> IntArray:
        """Return the rows (n,) that pass, in the order asked for."""
        flags = self.flags(wanted, sample)
        if wanted.order == "file":
            return np.flatnonzero(flags)
        if wanted.order == "sample":
            return sample[flags[sample]]
        order = self._worst_first if wanted.order == "worst" else self._best_first
        return order[flags[order]].astype(np.int64)

    def flags(self, wanted: Filter, sample: IntArray) -> Flags:
        """Tell which rows (N,) pass."""
        instances = self.instances
        flags = np.ones(len(instances), np.bool_)
        if wanted.category:
            flags &= self._of_categories(wanted.category)
        if wanted.status:
            code = STATUSES.index(wanted.status) if wanted.status in STATUSES else len(STATUSES)
            flags &= instances.status == code
        if wanted.verdict:
            flags &= self.verdicts.flags(wanted.verdict, wanted.as_of)
        if wanted.size:
            low, high = SIZES[wanted.size]
            flags &= (instances.area >= low) & (instances.area < high)
        if wanted.iou_min is not None:
            flags &= instances.iou >= wanted.iou_min
        if wanted.iou_max is not None:
            flags &= (instances.iou < wanted.iou_max) | (wanted.iou_max >= 1)
        if wanted.iou_min is not None or wanted.iou_max is not None:
            flags &= ~np.isnan(instances.iou)
        if wanted.image:
            flags &= self._of_images(wanted.image)
        if wanted.sample:
            sampled = np.zeros(len(instances), np.bool_)
            sampled[sample] = True
            flags &= sampled
        return flags

    def _of_categories(self, names: Sequence[str]) -> Flags:
        wanted = set(names)
        known = [category.name in wanted for category in self.instances.dataset.categories]
        flags: Flags = np.array([*known, "" in wanted])[self.instances.dataset.category_index]
        return flags

    def _of_images(self, text: str) -> Flags:
        lowered = text.casefold()
        found = [lowered in name.casefold() for name in self.instances.dataset.file_names]
        flags: Flags = np.array([*found, False])[self.instances.dataset.image_index]
        return flags

    @cached_property
    def _worst_first(self) -> npt.NDArray[np.int32]:
        return self._ordered(self.instances.iou)

    @cached_property
    def _best_first(self) -> npt.NDArray[np.int32]:
        return self._ordered(-self.instances.iou)

    def _ordered(self, keys: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
        """Order all rows by keys (N,); after them masks without one, at the end what has none."""
        last = np.where(self.instances.dataset.has_mask, np.float32(2), np.float32(3))
        ordered = np.argsort(np.where(np.isnan(keys), last, keys), kind="stable")
        return ordered.astype(np.int32)
