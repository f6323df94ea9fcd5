"""Rows and images of a source, collected by its reader until they become a dataset.

Letters: N rows, I images. Corners are (x0, y0, x1, y1) in the unit of the format.
"""

import os
from array import array
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from boxmask.data.boxes import DECIMALS, Boxes, sized
from boxmask.data.columns import build_dataset
from boxmask.data.raw.input import Input
from boxmask.data.segmentation import scaled
from boxmask.data.sources.masks import SourceMask
from boxmask.data.sources.origin import Json, Origin, encode, encode_record, origin_of, text_of
from boxmask.data.sources.photos import Photos
from boxmask.data.sources.shapes import Shape
from boxmask.data.sources.units import Corners, around, polygon_area, rectangle
from boxmask.dataset import BoxDataset, Category, RawRecords
from boxmask.errors import InputError
from boxmask.faults import code_of
from boxmask.formats import ReadOptions

NO_PHOTO = "images that are not below the image folder"

_NO_BOX = (float("nan"),) * 4
_MISSING = code_of("box is missing")
_ROUNDING = 1e-5  # of a side: formats in fractions are written with six decimals, or fewer


class SourceTable:
    """Collects a source's images and rows; `whole` is what a side of an image is in its unit.

    That is 0 for pixels, 1 for fractions and 100 for percent.
    """

    def __init__(self, source: Input, format: str, options: ReadOptions, whole: float = 0) -> None:
        self.source, self.format, self.whole = source, format, whole
        inside = os.path.basename(os.path.realpath(source.folder))  # noqa: PTH119 (a loop of links)
        self.photos = Photos(options.images or source.folder, inside)
        self._demand_photos = options.images is not None
        self.file_names: list[str] = []
        self.sizes: list[tuple[int, int]] = []
        self._image_records: list[bytes] = []
        self.corners = array("d")  # four a row
        self._images, self._categories = array("i"), array("i")
        self.faults, self._crowds, self._masks = array("B"), array("b"), array("b")
        self.turned: dict[int, Sequence[float]] = {}  # four corners by row
        self._scores = array("f")
        self._records: list[bytes] = []
        self._labels: dict[str, int] = {}

    def add_image(
        self, *names: str, size: tuple[int, int] = (0, 0), origin: Origin | None = None
    ) -> int:
        """Add an image and return its place; `names` are where it may be, the likeliest first.

        `size` is its width and height, 0 if the source does not say; `origin` is what the source
        says of it beside its rows.
        """
        self.file_names.append(self.photos.find(names))
        self.sizes.append(size if all(size) else (0, 0))
        self._image_records.append(b"{}" if origin is None else encode_record(origin, {}))
        return len(self.file_names) - 1

    def add(
        self,
        image: int,
        category: str | int | None,
        corners: Corners | None,
        origin: Origin | None,
        *,
        fault: str = "",
        crowd: bool = False,
        score: float | None = None,
        attributes: Mapping[str, object] | None = None,
        polygon: Sequence[float] | None = None,
        turned: Sequence[float] | None = None,
        mask: SourceMask | None = None,
    ) -> None:
        """Add a row: a box by its corners, an outline x, y, x, y, ..., a mask, or a box that may be
        turned, by its four corners x, y, x, y, ...

        `category` is a name, or a place in the names that `build` is given. `fault` is why the row
        cannot be used. Without an origin `build` has to be given the records.
        """
        extra: Json = {}
        if polygon is not None:
            corners = rectangle(polygon) or around(polygon)
            if not fault and rectangle(polygon) is None:
                extra = self._outline(image, polygon)
        if turned is not None:
            corners = around(turned)
            self.turned[len(self.faults)] = turned
        if mask is not None:
            corners = self._in_unit(mask.corners, image)
            extra |= mask.coco
        self._masks.append(bool(extra))
        self.corners.extend(_NO_BOX if corners is None else corners)
        self._images.append(image)
        self._categories.append(self._place(category))
        self.faults.append(code_of(fault) if fault else _MISSING if corners is None else 0)
        self._crowds.append(crowd)
        self._scores.append(np.nan if score is None else score)
        if score is not None:
            extra["score"] = score
        if attributes:
            extra["attributes"] = dict(attributes)
        if origin is not None:
            self._records.append(encode_record(origin, extra))

    def add_shape(
        self,
        image: int,
        category: str | None,
        shape: Shape,
        origin: Origin,
        *,
        fault: str = "",
        score: float | None = None,
        attributes: Mapping[str, object] | None = None,
    ) -> None:
        """Add a row that was drawn; `fault` is why it does not count, whatever it is."""
        self.add(
            image,
            category,
            shape.corners,
            origin,
            fault=fault or shape.fault,
            score=score,
            attributes=attributes,
            polygon=shape.polygon,
            turned=shape.turned,
            mask=None if fault else shape.mask,
        )

    def add_unreadable(self, name: str, *photos: str) -> None:
        """Add the one row of a file that cannot be read, about an image that may be at `photos`."""
        record = text_of(self.source.content(name))
        image = self.add_image(*photos, origin=Origin(name))
        origin = Origin(name, record=record)
        self.add(image, None, None, origin, fault="file cannot be read")

    def build(
        self,
        names: Sequence[str] | None = None,
        *,
        records: RawRecords | None = None,
        members: Mapping[str, object] | None = None,
        rotated_if_unsized: bool = False,
        warnings: Mapping[str, int] | None = None,
    ) -> BoxDataset:
        """Build the dataset. `names` are those of all categories, by default those found, sorted.

        `members` are further top-level members of the output.
        """
        self._require_photos()
        corners = self._unit_corners()
        index, named = self._named(names)
        sizes = np.array(self.sizes, np.int32).reshape(-1, 2)
        lost = len(self.photos.missing) if self._demand_photos else 0
        scores = np.array(self._scores, np.float32)
        return build_dataset(
            self.source.path,
            self.format,
            image_ids=range(1, len(sizes) + 1),
            file_names=self.file_names,
            widths=sizes[:, 0],
            heights=sizes[:, 1],
            annotation_ids=range(1, len(corners) + 1),
            xywh=sized(corners),
            faults=np.array(self.faults, np.uint8),
            fractions=np.full(len(corners), self.whole > 0),
            image_index=np.array(self._images, np.int32),
            category_index=index,
            categories=[Category(place, name) for place, name in enumerate(named, 1)],
            is_crowd=np.array(self._crowds, np.bool_),
            has_mask=np.array(self._masks, np.bool_),
            turned={row: self._whole(points) for row, points in self.turned.items()},
            scores=None if np.isnan(scores).all() else scores,
            rotated_if_unsized=rotated_if_unsized,
            records=self._records if records is None else records,
            image_records=self._image_records,
            members={key: encode(value) for key, value in (members or {}).items()},
            warnings=dict(warnings or {}) | {NO_PHOTO: lost},
        )

    def origin(self, row: int) -> Origin:
        """Return where a row that was added with an origin comes from."""
        return origin_of(self._records[row]) or Origin("")

    def _outline(self, image: int, polygon: Sequence[float]) -> Json:
        """Return a polygon as COCO has it: in pixels, or in fractions of an image of unknown size.

        The form that is written scales the latter.
        """
        width, height = self.sizes[image]
        if self.whole and not width:
            return {"segmentation_relative": [[side / self.whole for side in polygon]]}
        points = list(polygon)
        if self.whole:
            points = scaled(points, (width / self.whole, height / self.whole))
        return {"segmentation": [points], "area": round(polygon_area(points), DECIMALS)}

    def _in_unit(self, corners: Corners, image: int) -> Corners:
        """Turn corners in pixels into the unit of the format."""
        if not self.whole:
            return corners
        width, height = (side / self.whole for side in self.sizes[image])
        x0, y0, x1, y1 = corners
        return (x0 / width, y0 / height, x1 / width, y1 / height)

    def _unit_corners(self) -> Boxes:
        """Return the corners (N, 4), in pixels or fractions; the latter snap to the borders."""
        corners = np.array(self.corners, np.float64).reshape(-1, 4)
        if not self.whole:
            return corners
        corners /= self.whole
        for border in (0, 1):
            corners[np.abs(corners - border) < _ROUNDING] = border
        return corners

    def _whole(self, numbers: Sequence[float]) -> Sequence[float]:
        """Return numbers in pixels or fractions."""
        return [number / self.whole for number in numbers] if self.whole else numbers

    def _place(self, category: str | int | None) -> int:
        if isinstance(category, str):
            return self._labels.setdefault(category, len(self._labels))
        return -1 if category is None else category

    def _named(self, names: Sequence[str] | None) -> tuple[npt.NDArray[np.int32], list[str]]:
        """Return the category of each row (N,), and the names of all of them."""
        index = np.array(self._categories, np.int32)
        if not self._labels:  # all rows have places in the names already
            named = list(names or ())
            index[index >= len(named)] = -1
            return index, named
        named = sorted(self._labels) if names is None else list(dict.fromkeys(names))
        named += [label for label in self._labels if label not in set(named)]
        places = {name: place for place, name in enumerate(named)}
        lookup = np.array([*(places[label] for label in self._labels), -1], np.int32)
        return lookup[index], named

    def _require_photos(self) -> None:
        """Raise InputError if images were looked for and none at all was found."""
        photos = self.photos
        if self._demand_photos and photos.asked and len(photos.missing) == photos.asked:
            raise InputError(
                f"{self.source.path}: none of its {photos.asked} images is in the image folder; "
                f"looked for {photos.looked_for(photos.missing[0])}. Give the folder that they "
                "are in as --images."
            )
