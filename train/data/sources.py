"""The annotation files of a run, each with its images and which of its classes are seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from boxmask.data import ReadOptions, read
from boxmask.dataset import BoxDataset
from boxmask.errors import ConfigError
from boxmask.formats import BoxForm
from boxmask.splits import select_each
from boxmask.train.data.scene import Bits


@dataclass(frozen=True, eq=False)
class Source:
    """One annotation file, its folder of images, and which of its categories are seen (C,)."""

    dataset: BoxDataset
    folder: Path
    seen: Bits

    def class_names(self, *, seen: bool) -> tuple[str, ...]:
        """Name the classes that are seen, or those that are not."""
        pairs = zip(self.dataset.categories, self.seen, strict=True)
        return tuple(category.name for category, chosen in pairs if bool(chosen) is seen)


def open_sources(
    annotations: Sequence[Path], folders: Sequence[Path], *, seen: str, bbox: BoxForm = "auto"
) -> tuple[Source, ...]:
    """Read annotation files, each with its folder of images; one folder may serve them all."""
    if len(folders) == 1:
        folders = list(folders) * len(annotations)
    if len(folders) != len(annotations):
        raise ConfigError(
            f"{len(annotations)} annotation files but {len(folders)} folders of images; "
            "give one folder for all, or one for each in the same order."
        )
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"{folder}: there is no such folder of images.")
    datasets = [
        read(path, ReadOptions(images=folder, bbox=bbox))
        for path, folder in zip(annotations, folders, strict=True)
    ]
    chosen = select_each(seen, [dataset.categories for dataset in datasets])
    return tuple(Source(*each) for each in zip(datasets, folders, chosen, strict=True))
