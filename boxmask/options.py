"""What the functions of front.py may be given, for type checkers: fields of the job classes.

A test holds these beside those classes.
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from boxmask.annotate.job import (
        Choice,
        Decode,
        EngineName,
        Precision,
        Rectangles,
        Runtime,
        Tightness,
    )
    from boxmask.export import Shapes
    from boxmask.formats import BoxForm
    from boxmask.images import Exif

FilePath = str | os.PathLike[str]


class _Reading(TypedDict, total=False):
    format: str | None
    strict: bool
    min_conf: float
    metadata: FilePath | None
    images_json: FilePath | None
    vg_categories: Literal["synset", "coco", "name"]
    vg_alias: FilePath | None
    bbox: "BoxForm"
    classes: int


class Reading(_Reading, total=False):
    """How a box file is read: the fields of boxmask.formats.ReadOptions."""

    images: FilePath | None


class Part(TypedDict, total=False):
    """Which part of a dataset: the fields of boxmask.subset.Subset."""

    limit: int | None
    category: Sequence[str]
    image: Sequence[str]


class Checking(Reading, Part, total=False):
    """How a box file was read for annotating, and which part of it was annotated."""


class Exporting(TypedDict, total=False):
    """Where further forms of the output go, by the names in boxmask.export.EXPORTS, and their
    options."""

    index_png: FilePath | None
    yolo: FilePath | None
    yolo_val: float
    yolo_seed: int
    yolo_copy: bool
    mask_png: FilePath | None
    cutouts: FilePath | None
    training_copy: FilePath | None
    results: FilePath | None
    labelme: FilePath | None
    cvat: FilePath | None
    label_studio: FilePath | None
    megadetector: FilePath | None
    min_quality: float
    doubtful_as_crowd: bool
    shapes: "Shapes"
    control: str


class _Masking(Exporting, total=False):
    """How masks are made, whoever has found the boxes."""

    flip: bool
    tightness: "Tightness"
    neighbours: "Choice"
    polygons: bool
    tolerance: float | None
    max_vertices: int | None
    tighten: bool
    exif: "Exif"
    max_pixels: int
    decode: "Decode"
    device: str
    precision: "Precision"
    batch_images: int
    batch_boxes: int
    threads: int | None
    decoders: int
    fresh: bool


class Annotating(_Reading, Part, _Masking, total=False):
    """How boxes are annotated: the fields of AnnotateJob, of Reading but images, and of both."""

    weights: FilePath | None
    overwrite: bool
    rectangles: "Rectangles"
    runtime: "Runtime"
    shard_boxes: int
    state: FilePath | None
    engine: "EngineName"
    ray_address: str | None
    workers: int


class Detecting(_Masking, total=False):
    """How boxes are found and masked: the options of `boxmask detect`."""

    masks: FilePath | None
    complete: FilePath | None
    min_score: float
    most: int
    overlap: float


class Evaluating(TypedDict, total=False):
    """What is evaluated, and how: fields of boxmask.evaluate.job.EvaluateJob."""

    weights: FilePath | None
    against: Sequence[FilePath]
    bbox: "BoxForm"
    baselines: Sequence[str]
    images: FilePath | None
    seen: str | None
    splits: dict[str, str]
    loosen: float
    loosen_seed: int
    loosen_out: FilePath | None
    tightness: "Tightness"
    neighbours: "Choice"
    flip: bool
    device: str
    threads: int | None
    keep: FilePath | None
    workers: int
