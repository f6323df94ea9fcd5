"""A folder in which the examples of the Python functions run."""

import shutil
from pathlib import Path

from detection_files import write_detector

import boxmask

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT / "examples" / "photos"


def write_folder(folder: Path) -> None:
    """Lay out the example photographs, their boxes, and the masks that the bundled model makes."""
    (folder / "examples").symlink_to(ROOT / "examples")
    shutil.copytree(PHOTOS, folder / "photos", ignore=shutil.ignore_patterns("masks*", "fail*"))
    shutil.copy(PHOTOS / "chelsea.jpg", folder / "photo.jpg")
    shutil.copy(PHOTOS / "boxes.json", folder / "boxes.json")
    write_detector(folder)
    boxmask.annotate(
        folder / "boxes.json", images=folder / "photos", out=folder / "masks.json", device="cpu"
    )
