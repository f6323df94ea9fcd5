"""What the user asks for. Imports nothing heavy: the command line takes its defaults from here."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from boxmask.annotate.delivery import Delivery
from boxmask.bundled import BUNDLED, find_weights
from boxmask.errors import ConfigError, InputError
from boxmask.export import EXPORTS, ExportOptions, Shapes, flag
from boxmask.formats import ReadOptions
from boxmask.remote import Folder, Url, require_readable
from boxmask.subset import Subset

if TYPE_CHECKING:
    from boxmask.images import Exif

Precision = Literal["auto", "fp32", "bf16", "fp16"]
Runtime = Literal["auto", "torch", "openvino"]
Choice = Literal["auto", "on", "off"]
EngineName = Literal["local", "ray"]
Decode = Literal["auto", "full"]
Rectangles = Literal["auto", "predict", "keep"]
Tightness = float | Literal["auto"]

MAX_TOLERANCE = 100
FEWEST = 4  # vertices of a mask: a box round it always has a pixel
MAX_TIGHTNESS = 0.5  # of a side: beyond that a box says little of where its object is
_MOST = 2**40  # of what is counted
_MOST_AT_ONCE = 1024  # threads or processes: a system ends programs that start many more


@dataclass(frozen=True, kw_only=True)
class AnnotateJob:
    """One annotation of a dataset: what goes in, what comes out, and how."""

    boxes: Path
    images: Folder
    """Where the file names begin."""
    out: Path
    weights: Path | None = None
    """None for the bundled model."""
    reading: ReadOptions = dataclasses.field(default_factory=ReadOptions)
    subset: Subset = dataclasses.field(default_factory=Subset)
    """The part to annotate; the rest is in the output as it is."""
    flip: bool = False
    """Predict twice, the second time from the mirror image, and take the mean."""
    tightness: Tightness = "auto"
    """Expected error of a box's sides, in sides of the box: what the network knows of the boxes,
    if it has window masks. 0 for exact; auto measures it on a sample of the boxes."""
    neighbours: Choice = "auto"
    """Tell such a network where the other boxes of the image are; auto goes by the format."""
    overwrite: bool = False
    """Predict again where the input has a mask already."""
    rectangles: Rectangles = "auto"
    """What becomes of a segmentation that is just its box: predict a mask, or keep it. auto
    predicts if half of the file's masks or more are such: it was made from boxes. In another file
    somebody may have drawn them."""
    strict: bool = False
    """Stop at the first record that would be skipped."""
    polygons: bool = False
    """Write polygons along the pixel edges instead of run lengths."""
    tolerance: float | None = None
    """Write polygons of few vertices, off by so many pixels at most; in exports, 1 by default."""
    max_vertices: int | None = None
    """Go beyond the tolerance where a mask would have more vertices than this, and without its
    smallest parts and holes where that is not enough."""
    tighten: bool = False
    """Put the tight box of each new mask in the place of the annotation's own."""
    exports: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    """Where each further form of the output goes, by its name in boxmask.export.EXPORTS."""
    export_options: ExportOptions = dataclasses.field(default_factory=ExportOptions)
    delivery: Delivery | None = None
    """Where the output and exports go when they are finished, if that is a store."""
    exif: Exif = "auto"
    max_pixels: int = 200_000_000
    """Larger images are skipped."""
    decode: Decode = "auto"
    """Whether large JPEG files are decoded reduced where all their boxes are seen at less."""
    device: str = "auto"
    precision: Precision = "auto"
    runtime: Runtime = "auto"
    """The library that computes the network; auto takes OpenVINO on a CPU where it can."""
    batch_images: int = 8
    """Images at once, for networks that see whole images."""
    batch_boxes: int = 64
    """Boxes at once."""
    shard_boxes: int = 2000
    """About so many boxes are lost when a run is killed."""
    engine: EngineName = "local"
    """Where masks are made: on this machine, or on a Ray cluster."""
    ray_address: str | None = None
    """Of the cluster; None for that of RAY_ADDRESS, or what runs here, or one of this machine."""
    workers: int = 1
    """Processes that make masks, each with a network of its own: on a GPU each, if there are."""
    threads: int | None = None
    """CPU threads of a network; None for a fair share of the idle cores."""
    decoders: int = 4
    """Threads that decode images and encode masks beside the network."""
    fresh: bool = False
    """Start again, and replace an output that is already there."""

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_choices()
        # In Python "exact" and "0.1" may be given as well, as on the command line.
        object.__setattr__(self, "tightness", parse_tightness(str(self.tightness)))
        self._check_tolerance()
        self._check_exports()
        self._check_places()

    def _check_numbers(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if type(value) is int and value < 1 and field.name != "tightness":
                raise ConfigError(f"{flag(field.name)} is {value}; give 1 or more.")
            most = _MOST_AT_ONCE if field.name in ("threads", "decoders", "workers") else _MOST
            if type(value) is int and value > most:
                raise ConfigError(f"{flag(field.name)} is {value}; give {most} or less.")
        if self.subset.limit is not None and self.subset.limit < 1:
            raise ConfigError(f"--limit is {self.subset.limit}; give 1 or more.")
        for name in ("yolo_val", "min_quality"):
            value = getattr(self.export_options, name)
            if not 0 <= value < 1:
                raise ConfigError(f"{flag(name)} is {value:g}; give 0 or more, and less than 1.")

    def _check_choices(self) -> None:
        for name, value, choices in (
            ("precision", self.precision, Precision),
            ("runtime", self.runtime, Runtime),
            ("decode", self.decode, Decode),
            ("neighbours", self.neighbours, Choice),
            ("engine", self.engine, EngineName),
            ("rectangles", self.rectangles, Rectangles),
            ("shapes", self.export_options.shapes, Shapes),
        ):
            if value not in get_args(choices):
                known = ", ".join(get_args(choices))
                raise ConfigError(f"{flag(name)} is {value!r}; known: {known}.")

    def _check_exports(self) -> None:
        for name in self.exports.keys() - EXPORTS.keys():
            raise ConfigError(f"unknown export {name!r}; known: {', '.join(EXPORTS)}.")
        if isinstance(self.images, Url) and "yolo" in self.exports:
            raise ConfigError(
                f"--yolo links the images, and {self.images} is not on this machine; download "
                "them, or leave --yolo out."
            )
        far = {} if self.delivery is None else self.delivery.exports
        if "yolo" in far and not self.export_options.yolo_copy:
            raise ConfigError("--yolo by a URL takes the images along: add --yolo-copy.")
        if "labelme" in far and isinstance(self.images, Path):
            raise ConfigError(
                "--labelme writes where the images are on this machine, which is of no use at a "
                "URL; give it a path."
            )

    def _check_places(self) -> None:
        if str(self.out) == "-":
            raise ConfigError(
                "--out is -: the output is a file that a stopped run goes on with, and cannot be "
                "standard output; give the name of a file."
            )
        for path in (self.out, *self.exports.values()):
            _check_name(path)
        if os.path.realpath(self.out) in map(os.path.realpath, self._input_files()):
            raise ConfigError(f"{self.out}: --out is a file that is read; give another name.")

    def _check_tolerance(self) -> None:
        tolerance = self.tolerance
        if tolerance is not None and not 0 < tolerance <= MAX_TOLERANCE:
            raise ConfigError(
                f"--tolerance is {tolerance:g}; give pixels, more than 0 and at most "
                f"{MAX_TOLERANCE}."
            )
        outlined = [name for name in EXPORTS if "tolerance" in EXPORTS[name].options]
        if tolerance is not None and not self.polygons and not self.exports.keys() & outlined:
            known = ", ".join(map(flag, outlined))
            raise ConfigError(
                f"--tolerance is about polygons; give --polygons as well, or one of {known}."
            )
        if self.max_vertices is not None and (tolerance is None or self.max_vertices < FEWEST):
            raise ConfigError(
                f"--max-vertices is {self.max_vertices}; give {FEWEST} or more, and --tolerance "
                "as well."
            )

    def _input_files(self) -> Iterator[Path]:
        """List the files that the job reads, images aside."""
        reading = self.reading
        extra = (reading.images_json, reading.metadata, reading.vg_alias)
        yield from (path for path in (self.boxes, self.weights, *extra) if path is not None)


def check_paths(job: AnnotateJob) -> None:
    """Raise InputError unless all that the job reads is there, and the output's folder too."""
    if job.engine == "ray" and find_spec("ray") is None:
        raise ConfigError('--engine ray needs Ray: pip install "boxmask[ray]".')
    if not job.boxes.exists():
        raise InputError(f"{job.boxes}: no such file; give the file with the boxes.")
    if isinstance(job.images, Url):
        require_readable(job.images)
    elif not job.images.is_dir():
        raise InputError(f"{job.images}: no such folder; --images is where the file names begin.")
    home, option = job.out.absolute().parent, "--out"
    if job.delivery is not None:  # its folder is made when the run begins
        home, option = home.parent, "--state"
    if not home.is_dir():
        raise InputError(f"{home}: no such folder; make it, or give another {option}.")
    if job.out.is_dir():
        raise InputError(f"{job.out}: a folder; --out is the name of a file.")


def resolve_weights(job: AnnotateJob) -> Path:
    """Return the weights that the job is done with."""
    from boxmask.models.header import require_weights

    weights = find_weights(job.weights or BUNDLED)
    require_weights(weights)
    return weights


def parse_tightness(text: str) -> Tightness:
    """Read a tightness as the command line spells it: auto, exact, or a fraction of a side."""
    if text == "auto":
        return "auto"
    try:
        tightness = 0.0 if text == "exact" else float(text)
    except ValueError:
        tightness = float("nan")
    if not 0 <= tightness <= MAX_TIGHTNESS:
        raise ConfigError(
            f"--tightness is {text}; give auto, exact, or a number from 0 to {MAX_TIGHTNESS}."
        )
    return tightness


def _check_name(path: Path) -> None:
    """Raise ConfigError for a name that is no text: a plan could not hold it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{str(path)!r}: not a name in UTF-8; give another.") from None
