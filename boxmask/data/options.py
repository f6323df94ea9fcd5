"""What a reader can be told beside the file itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class ReadOptions:
    """Options of `read`. Each concerns the format that it names and is ignored by the others."""

    format: str | None = None  # recognised from the file's content if None
    strict: bool = False  # an unusable record is an error instead of a counted fault
    min_conf: float = 0.0  # MegaDetector: weaker detections are kept but not predicted
    metadata: Path | None = None  # MegaDetector: COCO-Camera-Traps JSON with the images' sizes
    images_json: Path | None = None  # Visual Genome: image_data.json; by default beside the file
    vg_categories: Literal["synset", "coco", "name"] = "synset"
    vg_alias: Path | None = None  # Visual Genome: object_alias.txt, for categories by name
    classes: int = 3000  # Visual Genome: how many of the most common categories to use
