"""Small box datasets of every format that is not COCO, about photos of 40 x 30 pixels.

Each has the same two boxes in 0.png, (4, 3, 24, 18) of a cat and (10, 6, 30, 27) of a dog, and one
in 1.png, (2, 3, 22, 24) of a dog.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Files = Mapping[str, str]
Json = dict[str, Any]

YOLO: Files = {
    "data.yaml": "train: images\nnames:\n  0: cat\n  1: dog\n",
    "labels/0.txt": "0 0.35 0.35 0.5 0.5\n1 0.5 0.55 0.5 0.7\n",
    "labels/1.txt": "1 0.3 0.45 0.5 0.7\n",
}


def write_files(folder: Path, files: Files) -> Path:
    """Write texts below a folder and return it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
    return folder


def write_source(folder: Path, files: Files, name: str = "") -> Path:
    """Write the files of a dataset, and return the path of one of them, or of their folder."""
    write_files(folder, files)
    return folder / name if name else folder


def voc(name: str, *objects: str, size: str = "") -> str:
    """Write one VOC file."""
    inner = "\n".join(objects)
    return f"<annotation>\n<filename>{name}</filename>{size}\n{inner}\n</annotation>\n"


def voc_object(label: str, xmin: object, ymin: object, xmax: object, ymax: object) -> str:
    """Write an object with the corners as they are."""
    sides = f"<xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax>"
    return f"<object><name>{label}</name><difficult>1</difficult><bndbox>{sides}</bndbox></object>"


VOC: Files = {
    "VOC2012/Annotations/0.xml": voc(
        "0.png",
        voc_object("cat", 5, 4, 24, 18),
        voc_object("dog", 11, 7, 30, 27),
        size="<size><width>40</width><height>30</height><depth>3</depth></size>",
    ),
    "VOC2012/Annotations/1.xml": voc("1.png", voc_object("dog", 3, 4, 22, 24)),
}

OPENIMAGES: Files = {
    "train-annotations-bbox.csv": (
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsGroupOf\n"
        "0,xclick,/m/cat,1,0.1,0.6,0.1,0.6,0\n"
        "0,xclick,/m/dog,1,0.25,0.75,0.2,0.9,0\n"
        "1,xclick,/m/dog,1,0.05,0.55,0.1,0.8,0\n"
    ),
    "class-descriptions-boxable.csv": "/m/cat,cat\n/m/dog,dog\n",
}

CSV: Files = {
    "boxes.csv": (
        "filename,width,height,class,xmin,ymin,xmax,ymax\n"
        "0.png,40,30,cat,4,3,24,18\n0.png,40,30,dog,10,6,30,27\n1.png,40,30,dog,2,3,22,24\n"
    )
}
RETINANET: Files = {"boxes.csv": "0.png,4,3,24,18,cat\n0.png,10,6,30,27,dog\n1.png,2,3,22,24,dog\n"}


def labelme(name: str, *shapes: Json, **changes: object) -> str:
    """Write one LabelMe file."""
    file = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": name}
    return json.dumps(file | {"imageData": "aGk=", "imageWidth": 40, "imageHeight": 30} | changes)


def shape(label: str, *points: Sequence[object], **changes: object) -> Json:
    """Make a LabelMe shape."""
    return {"label": label, "points": points, "shape_type": "rectangle"} | changes


LABELME: Files = {
    "0.json": labelme("0.png", shape("cat", [24, 18], [4, 3]), shape("dog", [10, 27], [30, 6])),
    "1.json": labelme("..\\images\\1.png", shape("dog", [2, 3], [22, 24])),
}


def cvat(*photos: str) -> str:
    """Write a CVAT file."""
    inner = "\n".join(photos)
    head = '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n'
    return f"{head}<meta><task><name>t</name></task></meta>\n{inner}\n</annotations>\n"


def cvat_photo(name: str, *shapes: str) -> str:
    """Write a photo of a CVAT file."""
    return f'<image id="7" name="{name}" width="40" height="30">\n{"".join(shapes)}</image>'


def cvat_box(label: str, *sides: float, more: str = "") -> str:
    """Write a box of a CVAT file, with an attribute inside."""
    corners = 'xtl="{}" ytl="{}" xbr="{}" ybr="{}"'.format(*sides)
    inner = '<attribute name="age">old</attribute>'
    return f'<box label="{label}" occluded="0" {corners}{more}>{inner}</box>\n'


CVAT: Files = {
    "annotations.xml": cvat(
        cvat_photo("0.png", cvat_box("cat", 4, 3, 24, 18), cvat_box("dog", 10, 6, 30, 27)),
        cvat_photo("1.png", cvat_box("dog", 2, 3, 22, 24)),
    )
}


def task(name: str, *results: Json, **changes: object) -> Json:
    """Make a Label Studio task."""
    annotations = [{"id": 5, "result": results, "was_cancelled": False}]
    return {"id": 3, "data": {"image": name}, "annotations": annotations} | changes


def result(label: str, x: object, y: object, w: object, h: object, **changes: object) -> Json:
    """Make a Label Studio rectangle, in percent."""
    value = {"x": x, "y": y, "width": w, "height": h, "rotation": 0, "rectanglelabels": [label]}
    sized = {"original_width": 40, "original_height": 30, "type": "rectanglelabels"}
    return {"id": "k", "value": value | changes} | sized


LABEL_STUDIO: Files = {
    "tasks.json": json.dumps(
        [
            task(
                "/data/upload/1/0123abcd-0.png",
                result("cat", 10, 10, 50, 50),
                result("dog", 25, 20, 50, 70),
            ),
            task("/data/local-files/?d=far/1.png", result("dog", 5, 10, 50, 70)),
        ]
    )
}
