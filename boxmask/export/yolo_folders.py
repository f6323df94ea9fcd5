"""Where the images and the texts of a YOLO dataset lie, and which images are for validation."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePath

from boxmask.dataset import BoxDataset
from boxmask.errors import ConfigError
from boxmask.export.files import names_for
from boxmask.ours import Ledger

IMAGES, LABELS = "images", "labels"
TRAIN, VAL = "train", "val"


def image_names(file_names: Sequence[str]) -> list[str | None]:
    """Return the name of each image inside the dataset, None where there can be none.

    Readers find the text of an image by the last folder called images in its path, so that there
    is no second one. InputError where the texts of two images would be the same.
    """
    sources = [_without_images(name) for name in file_names]
    texts = names_for(sources, ".txt")
    return [
        str(PurePath(text).with_suffix(PurePath(source).suffix)) if text is not None else None
        for text, source in zip(texts, sources, strict=True)
    ]


def files_of(name: str, part: str) -> tuple[str, str]:
    """Return where an image and its text lie; `part` is train, val, or empty if there are none."""
    image = PurePath(IMAGES, part, name)
    return str(image), str(PurePath(LABELS, part, name).with_suffix(".txt"))


def parts_of(dataset: BoxDataset, fraction: float, seed: int) -> list[str]:
    """Say of each image whether it is for train or val; all are for neither without a fraction.

    The choice goes by a hash of the names, so that it stays nearly the same when images are added.
    At least one image with boxes is for each, if there are two.
    """
    if not fraction:
        return [""] * len(dataset.file_names)
    with_boxes = sorted({int(image) for image in dataset.image_index if image >= 0})
    order = sorted(with_boxes, key=lambda image: _hash(dataset.file_names[image], seed))
    count = min(max(round(fraction * len(order)), 1), len(order) - 1)
    chosen = set(order[: max(count, 0)])
    return [VAL if image in chosen else TRAIN for image in range(len(dataset.file_names))]


def refuse_linked_folders(place: Path) -> None:
    """Raise ConfigError where writing below a place would write somewhere else."""
    for folder in (IMAGES, LABELS):
        if (place / folder).is_symlink():
            raise ConfigError(
                f"{place / folder}: a link to another folder; remove it, or give another --yolo."
            )


def put_image(ledger: Ledger, source: Path, target: Path, *, copy: bool) -> None:
    """Link or copy an image; where links cannot be made, it is copied."""
    with ledger.replacing(target) as temporary:
        if copy:
            shutil.copyfile(source, temporary)
        else:
            _link(Path(os.path.realpath(source)), temporary)


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source)
    except OSError:  # as on some file systems, and for users without the right to
        shutil.copyfile(source, target)


def _without_images(name: str) -> str:
    path = PurePath(name)
    folders = [part for part in path.parts[:-1] if part != IMAGES]
    return name if IMAGES not in path.parts[:-1] else str(PurePath(*folders, path.name))


def _hash(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\0{name}".encode(errors="surrogatepass")).digest()
