"""The photographs to look at, and the classes that are looked for in them.

Letters: I photographs, K classes of the network.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boxmask.data import read
from boxmask.data.raw.input import files_below
from boxmask.data.sources.photos import is_image
from boxmask.dataset import BoxDataset, Category, Id
from boxmask.detect.job import DetectJob
from boxmask.errors import InputError
from boxmask.formats import ReadOptions
from boxmask.images import load_image
from boxmask.models.config import ModelConfig
from boxmask.models.header import read_header
from boxmask.remote import Folder
from boxmask.store import sizes_below


@dataclass(frozen=True, eq=False)
class Photographs:
    """Photographs by name, and what is to be written of them."""

    job: DetectJob
    names: Sequence[str]  # (I,)
    ids: Sequence[Id]  # (I,)
    categories: dict[int, Id]  # the id of each class (of K) that is looked for
    sizes: Mapping[str, int]  # in bytes, by name, as far as they are there
    known: BoxDataset | None = None  # what is completed

    @property
    def digest(self) -> str:
        """Name them by their names and sizes."""
        lines = [f"{name}\0{self.sizes.get(name, -1)}\n" for name in self.names]
        return hashlib.sha256("".join(lines).encode(errors="surrogatepass")).hexdigest()

    def load(self, place: int) -> Any:
        """Decode one as (H, W, 3) RGB; raise ImageFault where that cannot be done."""
        known = self.known
        return load_image(
            self.job.photos,
            self.names[place],
            width=0 if known is None else int(known.widths[place]),
            height=0 if known is None else int(known.heights[place]),
            exif=self.job.masks.exif,
            max_pixels=self.job.masks.max_pixels,
        )


def open_photographs(job: DetectJob) -> Photographs:
    """List the photographs of a folder, or those of the file that is completed."""
    config = _with_detector(job.weights)
    if job.complete is not None:
        return _of_dataset(job)
    listed = _listed(job.photos)
    names = sorted(filter(is_image, listed))
    if not names:
        raise InputError(
            f"{job.photos}: there is no image in this folder or below it; give the one that the "
            "photographs are in."
        )
    _require_unicode(job.photos, names)
    ids = dict(enumerate(config.class_ids))
    return Photographs(job, names, range(1, len(names) + 1), dict(ids), listed)


def _with_detector(weights: Path) -> ModelConfig:
    """Return the config of a network that finds boxes; InputError for another."""
    config = read_header(weights).config
    if config.detector is None:
        raise InputError(
            f"{weights}: this network finds no boxes: it masks those that it is given. Train "
            "one with --set model.detector=centernet, or give boxes to `boxmask annotate`."
        )
    return config


def looked_for(weights: Path, *, of: Path, categories: Sequence[Category]) -> dict[int, Id]:
    """Return the id that a file has for each class of a network, as far as it has them at all."""
    config = _with_detector(weights)
    ids: dict[str, Id] = {}
    for category in categories:
        ids.setdefault(category.name, category.id)
    found = {place: ids[name] for place, name in enumerate(config.classes) if name in ids}
    if not found:
        raise InputError(
            f"{of}: none of its categories is one that {weights} finds: that finds "
            f"{', '.join(config.classes[:20])}; the file has {', '.join(list(ids)[:20]) or 'none'}."
        )
    return found


def _require_unicode(folder: Folder, names: Sequence[str]) -> None:
    """Raise InputError for a name that JSON cannot hold, before hours are spent on finding."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise InputError(
                f"{folder}: the name of the photograph {name!r} is not UTF-8, as those in a COCO "
                "file are; rename it, or move it elsewhere."
            ) from None


def _listed(folder: Folder) -> dict[str, int]:
    """Return the bytes of each file below a folder, hidden ones aside, by its name there."""
    if isinstance(folder, Path):
        return {name: _bytes(folder, name) for name in files_below(folder)}
    if folder.is_web:
        raise InputError(
            f"{folder}: a web server lists no files; name the photographs by --complete FILE, or "
            "give s3:// or gs://."
        )
    found = sizes_below(folder)
    return {name: size for name, size in found.items() if not f"/{name}".count("/.")}


def _bytes(folder: Folder, name: str) -> int:
    """Return the bytes of a photograph; -1 where that cannot be told, as of one on the web."""
    try:
        return (folder / name).stat().st_size if isinstance(folder, Path) else -1
    except (OSError, ValueError):
        return -1


def _of_dataset(job: DetectJob) -> Photographs:
    assert job.complete is not None
    local = job.photos if isinstance(job.photos, Path) else None
    dataset = read(job.complete, ReadOptions(images=local))
    if dataset.format != "coco":
        raise InputError(
            f"{job.complete}: is read as {dataset.format}; --complete adds records to COCO. Turn "
            "it into COCO by `boxmask annotate`, then complete that."
        )
    if not dataset.file_names:
        raise InputError(f"{job.complete}: lists no image, so there is nothing to look at.")
    if dataset.box_form:
        raise InputError(
            f"{job.complete}: its boxes are {dataset.box_form}, and --complete adds boxes of x, y, "
            "width and height; write all of them so."
        )
    found = looked_for(job.weights, of=job.complete, categories=dataset.categories)
    sizes = {name: _bytes(job.photos, name) for name in dataset.file_names}
    return Photographs(job, dataset.file_names, dataset.image_ids, found, sizes, dataset)
