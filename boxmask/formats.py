"""The formats of box files, and the options of reading them.

A further format is a module with the two functions of boxmask.data.Reader, and one line here.
Only the standard library is imported, so that the command line can list formats and defaults
without numpy.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Format:
    """What is known of a format before a file of it is read."""

    reader: str
    """The module that reads it, imported when it is needed: a boxmask.data.Reader."""
    title: str
    looks_like: str
    """What tells a file of it from others, for the message about a file of no known format."""
    boxes_key: str = ""
    """In the record of an image, the key of the list of its boxes, which become annotations."""
    names_images: bool = False
    """Whether images have the names in the file; other readers look which files there are."""
    side_error: float = 0.0
    """How far off the sides of its boxes usually are, in sides of the box; 0 for exact ones."""
    neighbours: bool = True
    """Whether a box inside another is an object in front of it, as the network may be told."""


# By name. Visual Genome's boxes are drawn by crowd workers, MegaDetector's by a detector. Those of
# Visual Genome name parts of objects, and objects again under other names.
FORMATS: dict[str, Format] = {
    "coco": Format(
        reader="boxmask.data.coco",
        title="COCO",
        looks_like='"images" and "annotations" at the top level',
        names_images=True,
    ),
    "visual-genome": Format(
        reader="boxmask.data.visual_genome",
        title="Visual Genome objects.json",
        looks_like='a list of images with "objects"',
        boxes_key="objects",
        names_images=True,
        side_error=0.08,
        neighbours=False,
    ),
    "megadetector": Format(
        reader="boxmask.data.megadetector",
        title="MegaDetector results",
        looks_like='"images" with "detections"',
        boxes_key="detections",
        names_images=True,
        side_error=0.08,
    ),
    "yolo": Format("boxmask.data.yolo", "YOLO", "a data.yaml, or a folder of label texts"),
    "dota": Format("boxmask.data.dota", "DOTA", "texts with lines like `x y x y x y x y ship 0`"),
    "voc": Format("boxmask.data.voc", "Pascal VOC", "XML files with the root <annotation>"),
    "openimages": Format("boxmask.data.openimages", "OpenImages", "a CSV with ImageID and XMin"),
    "csv": Format("boxmask.data.csv_boxes", "CSV", "filename,xmin,ymin,xmax,ymax,class"),
    "labelme": Format("boxmask.data.labelme", "LabelMe", 'JSON files with "shapes"'),
    "cvat": Format(
        "boxmask.data.cvat", "CVAT for images 1.1", "an XML with the root <annotations>"
    ),
    "label-studio": Format("boxmask.data.label_studio", "Label Studio", 'a list with "data"'),
}


BoxForm = Literal[
    "auto",
    "xywh",
    "xyxy",
    "cxcywh",
    "normalised",
    "normalised-xyxy",
    "normalised-cxcywh",
    "cxcywh-ccw-degrees",
    "cxcywh-ccw-radians",
    "cxcywh-cw-degrees",
    "cxcywh-cw-radians",
    "xywh-ccw-degrees",
    "xywh-ccw-radians",
    "xywh-cw-degrees",
    "xywh-cw-radians",
    "segmentation",
]


@dataclass(frozen=True)
class ReadOptions:
    """Options of `read`. Each concerns the format that it names and is ignored by the others."""

    format: str | None = None  # a name in FORMATS; recognised from the content if None
    strict: bool = False  # an unusable record is an error instead of a counted fault
    images: Path | None = None  # YOLO and other folders: where image names are looked up
    min_conf: float = 0.0  # MegaDetector: weaker detections are kept but not predicted
    metadata: Path | None = None  # MegaDetector: COCO-Camera-Traps JSON with the images' sizes
    images_json: Path | None = None  # Visual Genome: image_data.json; by default beside the file
    vg_categories: Literal["synset", "coco", "name"] = "synset"
    vg_alias: Path | None = None  # Visual Genome: object_alias.txt, for categories by name
    bbox: BoxForm = "auto"
    """COCO: what the numbers of a bbox are. auto takes four for x, y, width, height in pixels, and
    is an error if all the boxes together say otherwise. Those with cw or ccw are of five numbers,
    of turned boxes; segmentation: turned boxes are the four corners there."""
    classes: int = 3000  # Visual Genome: how many of the most common categories to use
