"""Opens an annotated file, or a folder of images without one, as instances."""

import math
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from boxmask.data import Input, coco
from boxmask.data.columns import images_alone
from boxmask.data.numbers import as_number
from boxmask.data.raw.input import files_below
from boxmask.data.raw.records import Records, decode_records
from boxmask.data.sources.photos import is_image
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.faults import reason_of
from boxmask.formats import BoxForm, ReadOptions
from boxmask.mark import Status
from boxmask.review.instances import STATUSES, Instances

_CODES = {status: code for code, status in enumerate(STATUSES)}


class _Mark(msgspec.Struct, gc=False):
    status: str = ""
    reason: str = ""
    predicted_iou: float | None = None


_UNMARKED = _Mark()


class _Record(msgspec.Struct, gc=False):
    boxmask: _Mark | None = None
    area: float | None = None


class _Marks:
    """What the marks of N annotations say, in columns."""

    def __init__(self, rows: int) -> None:
        self.status = np.full(rows, _CODES["none"], np.uint8)
        self.iou = np.full(rows, np.nan, np.float32)
        self.area = np.full(rows, np.nan, np.float32)
        self.reason = np.zeros(rows, np.uint16)
        self.reasons = {"": 0}

    def add(self, first: int, records: list[_Record]) -> None:
        """Take over the records from row `first` on."""
        rows = slice(first, first + len(records))
        marks = [record.boxmask or _UNMARKED for record in records]
        self.area[rows] = [_number(record.area) for record in records]
        self.iou[rows] = [_number(mark.predicted_iou) for mark in marks]
        self.status[rows] = [_CODES.get(mark.status, _CODES["none"]) for mark in marks]
        for row, mark in enumerate(marks, start=first):
            if mark.reason:
                self.reason[row] = self.code(mark.reason)

    def code(self, reason: str) -> int:
        """Number a reason; those beyond the column's range share the last number."""
        return self.reasons.setdefault(reason, min(len(self.reasons), 65_535))


def open_instances(file: Path, images: Path, *, bbox: BoxForm = "auto") -> Instances:
    """Read the columns of a file in COCO form, such as annotate writes."""
    source = Input(file)
    if source.is_folder or not source.may_be_json or not coco.recognises(source):
        if source.may_be_json or not file.exists():
            _ = source.document  # tells what is wrong with it
        raise InputError(
            f"{file}: review looks at COCO files such as annotate writes; make one of this: "
            f"boxmask annotate {file} --images {images} --out masks.json"
        )
    dataset = coco.read(source, ReadOptions(images=images, bbox=bbox))
    records = dataset.records
    assert isinstance(records, Records)  # what the COCO reader yields
    marks = _Marks(len(records))
    for first, some in decode_records(source.document, records, "annotations", _Record, _lenient):
        marks.add(first, some)
    return _judged(dataset, images, marks)


def folder_instances(images: Path) -> Instances:
    """List the images of a folder, as a dataset without annotations."""
    if not images.is_dir():
        raise InputError(f"{images}: no such folder; give the one that the images are in.")
    names = sorted(name for name in files_below(images) if is_image(name))
    if not names:
        raise InputError(f"{images}: there is no image in this folder or below it.")
    return _judged(images_alone(images, names), images, _Marks(0))


def _judged(dataset: BoxDataset, images: Path, marks: _Marks) -> Instances:
    """Complete the columns by what the dataset itself tells."""
    unmarked = marks.status == _CODES["none"]
    marks.status[unmarked & dataset.has_mask] = _CODES[Status.KEPT]
    marks.status[unmarked & dataset.is_crowd] = _CODES[Status.CROWD]
    faulty = unmarked & ~dataset.has_mask & (dataset.faults > 0)
    marks.status[faulty] = _CODES[Status.SKIPPED]
    for code in np.unique(dataset.faults[faulty]).tolist():
        marks.reason[faulty & (dataset.faults == code)] = marks.code(reason_of(code))
    is_one = (marks.iou >= 0) & (marks.iou <= 1)  # NaN is none
    marks.iou[~dataset.has_mask | ~is_one] = np.nan
    area = np.where(dataset.has_mask, marks.area, np.nan)
    area = np.where(np.isfinite(area) & (area >= 0), area, _box_areas(dataset))
    return Instances(
        dataset=dataset,
        images=images,
        status=marks.status,
        iou=marks.iou,
        area=area.astype(np.float32),
        reason=marks.reason,
        reasons=tuple(marks.reasons),
    )


def _box_areas(dataset: BoxDataset) -> npt.NDArray[np.float64]:
    """Return the areas of the boxes (N,), NaN of those that cannot be read or are in fractions."""
    with np.errstate(over="ignore"):
        areas = np.prod(dataset.boxes[:, 2:] - dataset.boxes[:, :2], axis=1)
    return np.where(dataset.relative, np.nan, areas)


def _lenient(values: dict[str, object]) -> _Record:
    """Take what can be taken of a record that is not of the expected types."""
    record, mark = _Record(area=as_number(values.get("area"))), values.get("boxmask")
    if isinstance(mark, dict):
        status, reason = (_text(mark.get(key)) for key in ("status", "reason"))
        record.boxmask = _Mark(status, reason, as_number(mark.get("predicted_iou")))
    return record


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
