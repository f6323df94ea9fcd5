"""Box files of all formats: what is read is written in COCO form, and `check` finds it whole."""

import json
import random
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from boxmask.annotate.output import _write_head
from boxmask.check import check
from boxmask.data import read
from boxmask.data.forms import coco_form
from boxmask.errors import BoxmaskError
from boxmask.subset import Subset
from fuzzing.damage import damage, damage_text
from fuzzing.target import Target

WIDTH, HEIGHT = 40, 30
COCO: dict[str, Any] = {
    "info": {"note": "kept"},
    "images": [{"id": 1, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}, {"id": "b"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 9, 9], "iscrowd": 0, "x": "y"},
        {"id": 2, "image_id": "b", "category_id": 2, "bbox": [1.5, 2, 9, 9], "area": 81, "z": [1]},
        {"id": "c", "image_id": 1, "category_id": 1, "segmentation": [[1, 1, 9, 1, 9, 9]]},
    ],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
}
CORNERS = [3.0, 12.0, 25.0, 4.0, 28.0, 12.0, 6.0, 20.0]
ROTATED = {"occluded": False, "rotation": 30.0}
TURNED = COCO | {
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": CORNERS},
        {"id": 2, "image_id": 1, "category_id": 1, "bbox": [9, 9, 8, 4], "attributes": ROTATED},
        {"id": 3, "image_id": "b", "bbox": [3, 4, 25, 16], "boxmask": {"turned_box": CORNERS}},
    ]
}
DETECTION = {"category": "1", "conf": 0.9, "bbox": [0.1, 0.2, 0.3, 0.4]}
MEGADETECTOR = {
    "images": [
        {"file": "a.jpg", "detections": [DETECTION, DETECTION | {"own": 1}], "width": 40},
        {"file": "b.jpg", "failure": "x", "detections": None},
    ],
    "detection_categories": {"1": "animal", "2": "person"},
}
OBJECT = {"object_id": 5, "x": 1, "y": 2, "w": 9, "h": 9, "names": ["cat"], "synsets": ["cat.n.01"]}
GENOME = [
    {"image_id": 1, "image_url": "https://x/VG_100K/1.jpg", "objects": [OBJECT]},
    {"image_id": 2, "objects": [OBJECT | {"object_id": 6, "id": 7}, {"id": 8, "x": 1}]},
]
LABELME = {
    "version": "5.5.0",
    "shapes": [
        {"label": "cat", "points": [[24, 18], [4, 3]], "shape_type": "rectangle", "flags": {}},
        {"label": "dog", "points": [[3, 12], [25, 4], [28, 12], [6, 20]], "shape_type": "polygon"},
        {"label": "dog", "points": [[9, 9], [12, 9]], "shape_type": "circle", "group_id": 1},
        {"label": "cat", "points": [[1, 1]], "shape_type": "point", "mask": "aGk="},
    ],
    "imagePath": "0.png",
    "imageData": "aGk=",
    "imageWidth": WIDTH,
    "imageHeight": HEIGHT,
}
_SIDES = {"x": 10, "y": 10, "width": 50, "height": 50, "rotation": 20}
_SIZE = {"original_width": WIDTH, "original_height": HEIGHT}
_BRUSH = {"format": "rle", "rle": [0, 0, 1, 64, 37], "brushlabels": ["dog"]}
STUDIO = [
    {
        "id": 3,
        "data": {"image": "/data/upload/1/0123abcd-0.png"},
        "annotations": [
            {
                "id": 5,
                "was_cancelled": False,
                "result": [
                    _SIZE | {"id": "k", "type": kind, "value": value}
                    for kind, value in (
                        ("rectanglelabels", _SIDES | {"rectanglelabels": ["cat"]}),
                        ("polygonlabels", {"points": [[1, 1], [50, 1], [9, 50]]}),
                        ("brushlabels", _BRUSH),
                    )
                ],
            }
        ],
    }
]
YAML = (
    b"path: .\ntrain: images\nval: [images, more]\nnames:\n  0: cat\n  1: dog\nkpt_shape: [1, 2]\n"
)
LABELS = b"0 0.35 0.35 0.5 0.5\n1 0.1 0.1 0.6 0.1 0.5 0.7 0.1 0.6\n1 0.5 0.55 0.5 0.7 0.9\n"
DOTA = b"imagesource:x\ngsd:0.1\n3 12 25 4 28 12 6 20 ship 0\n1 1 9 1 9 9 1 9 plane 1\n"
VOC = b"""<annotation><filename>0.png</filename>
<size><width>40</width><height>30</height><depth>3</depth></size>
<object><name>cat</name><difficult>1</difficult><truncated>0</truncated>
<bndbox><xmin>5</xmin><ymin>4</ymin><xmax>24</xmax><ymax>18</ymax></bndbox></object>
<object><name>dog</name><robndbox><cx>9</cx><cy>9</cy><w>8</w><h>4</h><angle>0.5</angle></robndbox>
</object></annotation>"""
OPENIMAGES = b"""ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsGroupOf,IsDepiction
0,xclick,/m/cat,1,0.1,0.6,0.1,0.6,0,0
"0",xclick,/m/dog,1,0.25,0.75,0.2,0.9,1,-1
"""
CLASSES = b'/m/cat,cat\n/m/dog,"dog, or ""wolf"""\n'
CSV = b"""filename,width,height,class,xmin,ymin,xmax,ymax
0.png,40,30,cat,4,3,24,18
"0.png",40,30,"dog, old",10.5,6,30,27
"""
RETINANET = b"0.png,4,3,24,18,cat\n0.png,10,6,30,27,dog\n1.png,,,,,\n"
CVAT = b"""<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><name>t</name></task></meta>
<image id="7" name="0.png" width="40" height="30">
<box label="cat" occluded="0" xtl="4" ytl="3" xbr="24" ybr="18" rotation="30" z_order="0">
<attribute name="age">old</attribute></box>
<polygon label="dog" points="1,1;9,1;9,9" occluded="1"/>
<mask label="dog" rle="2, 3, 4, 3" left="3" top="4" width="4" height="3"/>
<ellipse label="cat" cx="9" cy="9" rx="3" ry="2"/></image></annotations>"""


class _Nothing(Subset):
    """No annotation was to be annotated."""

    def rows(self, dataset: Any) -> Any:
        """Tell so."""
        return np.zeros(len(dataset.annotation_ids), np.bool_)


def conserve(path: Path) -> None:
    """Read a box file, write it as an output in which nothing was to be done, and check that."""
    out = path.with_name("written.json.out")
    dataset = read(path)
    form = coco_form(dataset)
    with out.open("wb") as stream:
        _write_head(form, {}, stream)
        for row in range(len(dataset.annotation_ids)):
            image = int(dataset.image_index[row])
            record = form.annotation(row, form.size(image, {}) if image >= 0 else None)
            stream.write((b",\n" if row else b"") + msgspec.json.encode(record))
        stream.write(b"\n]}\n")
    report = check(dataset, out, subset=_Nothing())
    assert report.holds, report.first
    _check_damaged(out, dataset)


def of_folder(path: Path) -> None:
    """Read the folder that a file is in."""
    conserve(path.parent)


def of_classes(path: Path) -> None:
    """Read the boxes that a file has the classes of."""
    conserve(path.with_name("train-annotations-bbox.csv"))


def of_dataset(path: Path) -> None:
    """Read the folder above the one that a file is in."""
    conserve(path.parents[1])


def _check_damaged(out: Path, dataset: Any) -> None:
    """Damage the output as well: `check` may say what it likes of it."""
    sound = out.read_bytes()
    chance = random.Random(len(sound))
    for _ in range(3):
        out.write_bytes(damage(sound, chance))
        try:
            check(dataset, out)
        except BoxmaskError:
            continue


def _json(value: object) -> list[bytes]:
    return [json.dumps(value).encode()]


_LABELS = {"labels/0.txt": LABELS}
TARGETS = {
    "coco": Target("boxes.json", conserve, _json(COCO)),
    "turned": Target("boxes.json", conserve, _json(TURNED)),
    "megadetector": Target("boxes.json", conserve, _json(MEGADETECTOR)),
    "visual-genome": Target("objects.json", conserve, _json(GENOME)),
    "labelme": Target("0.json", conserve, _json(LABELME)),
    "label-studio": Target("tasks.json", conserve, _json(STUDIO)),
    "yolo": Target("labels/0.txt", of_dataset, [LABELS], damage_text, {"data.yaml": YAML}),
    "yolo-yaml": Target("data.yaml", conserve, [YAML], damage_text, _LABELS),
    "dota": Target("0.txt", of_folder, [DOTA], damage_text, {"1.txt": DOTA}),
    "voc": Target("Annotations/0.xml", of_dataset, [VOC], damage_text),
    "openimages": Target(
        "train-annotations-bbox.csv",
        conserve,
        [OPENIMAGES],
        damage_text,
        {"class-descriptions-boxable.csv": CLASSES},
    ),
    "openimages-classes": Target(
        "class-descriptions-boxable.csv",
        of_classes,
        [CLASSES],
        damage_text,
        {"train-annotations-bbox.csv": OPENIMAGES},
    ),
    "csv": Target("boxes.csv", conserve, [CSV, RETINANET], damage_text),
    "cvat": Target("annotations.xml", conserve, [CVAT], damage_text),
}
