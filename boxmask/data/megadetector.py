"""MegaDetector results JSON: boxes in fractions of the image, with a confidence.

Images are keyed by "file" (its current form, and iWildCam 2022) or by "id" (iWildCam 2020, 2021).
Their sizes come from COCO-Camera-Traps metadata if that is given.
"""

import json
from pathlib import Path

import msgspec
import numpy as np

from boxmask.data.boxes import Boxes, read_boxes
from boxmask.data.camera_traps import ImageTable, detection_categories
from boxmask.data.columns import build_dataset
from boxmask.data.ids import compact, positions_of, unique_positions
from boxmask.data.numbers import as_id, as_number
from boxmask.data.raw.input import Input
from boxmask.data.raw.nested import NestedReader
from boxmask.data.raw.records import RawMembers, raw_list, slice_list
from boxmask.data.segmentation import is_filled
from boxmask.dataset import BoxDataset
from boxmask.errors import ConfigError, InputError
from boxmask.faults import FaultCodes, code_of
from boxmask.formats import ReadOptions

_WEAK = code_of("below the confidence threshold")
_NOT_FRACTIONS = code_of("box is not in fractions of the image")
_ROUNDING = 0.01  # detectors let a box reach a little over the border
_PEEK = 4096

NOT_LISTED = "images that the metadata does not list"
FAILED = "images that the detector could not use"


class _Detection(msgspec.Struct, gc=False):
    category: str | int | float | None = None
    conf: float | None = None
    bbox: tuple[float, float, float, float] | None = None
    segmentation: msgspec.Raw = msgspec.Raw(b"null")


def recognises(source: Input) -> bool:
    """Tell whether the file is an object with images that hold detections."""
    if not source.has_members("images") or source.has_members("annotations"):
        return False
    document = source.document
    start = bytes(memoryview(document.members["images"])[:_PEEK])
    return "detection_categories" in document.members or b'"detections"' in start


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read the file; `metadata` brings sizes and ids, `min_conf` faults weak detections."""
    document = source.document
    document.require("images", has='MegaDetector results have "images" and "detection_categories"')
    if not 0 <= options.min_conf <= 1:
        raise ConfigError(f"the least confidence is {options.min_conf}; give 0 to 1.")
    nested = NestedReader(document, "images", "detections", _Detection, _lenient)
    table = ImageTable(slice_list(document, "images"))
    detections: list[_Detection] = []
    for fields, rows in nested.read(raw_list(document, "images")):
        table.add(fields)
        detections += rows
    if options.metadata:
        table.add_metadata(options.metadata)
    unique_positions(table.ids, document.path, "images")
    xywh, faults = read_boxes([row.bbox for row in detections])
    _judge_fractions(xywh, faults, document.path)
    with np.errstate(over="ignore"):  # a confidence beyond all becomes infinite
        scores = np.array(
            [np.nan if row.conf is None else row.conf for row in detections], np.float32
        )
    faults[(scores < np.float32(options.min_conf)) & (faults == 0)] = _WEAK
    categories, positions = detection_categories(document)
    return build_dataset(
        document.path,
        "megadetector",
        image_ids=compact(table.ids),
        file_names=tuple(table.file_names),
        widths=np.array(table.widths, np.int32),
        heights=np.array(table.heights, np.int32),
        annotation_ids=range(1, len(detections) + 1),
        xywh=xywh,
        faults=faults,
        fractions=np.ones(len(detections), np.bool_),
        image_index=nested.image_index(),
        has_mask=np.array([is_filled(row.segmentation) for row in detections], np.bool_),
        category_index=positions_of(positions, [str(row.category) for row in detections]),
        categories=categories,
        scores=scores,
        rotated_if_unsized=True,
        records=nested.records(),
        image_records=table.records,
        members=RawMembers(document),
        warnings={NOT_LISTED: table.unlisted, FAILED: table.failed},
    )


def _judge_fractions(xywh: Boxes, faults: FaultCodes, path: Path) -> None:
    """Fault boxes that reach far beyond 1; if most do, the file is in pixels: an error."""
    wrong = (xywh > 1 + _ROUNDING).any(1)
    faults[wrong & (faults == 0)] = _NOT_FRACTIONS
    readable = int(np.isfinite(xywh).all(1).sum())
    if readable and wrong.sum() * 2 > readable:
        first = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{path}: detection {first + 1} has the bbox {xywh[first].tolist()}, and most others "
            "are like it; MegaDetector writes fractions of the image, between 0 and 1. If these "
            "are pixels, write the boxes as COCO annotations."
        )


def _lenient(values: dict[str, object]) -> _Detection:
    conf = as_number(values.get("conf"))
    row = _Detection(category=as_id(values.get("category")), conf=conf)
    row.bbox = values.get("bbox")  # type: ignore[assignment]
    row.segmentation = msgspec.Raw(json.dumps(values.get("segmentation")).encode())
    return row
