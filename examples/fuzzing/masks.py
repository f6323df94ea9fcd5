"""Masks: their encodings, predictions and truth, verdicts, and files to put masks into."""

import json
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.run import annotate
from boxmask.check import check
from boxmask.check.rle_batch import measure_rles
from boxmask.data import ReadOptions, read
from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.run import evaluate
from boxmask.export import ExportOptions
from boxmask.review.apply import apply_verdicts
from boxmask.review.reading import open_instances
from boxmask.review.session import Session
from boxmask.review.verdicts import VerdictLog
from boxmask.rle import area, bounding_box, compress, segmentation_runs
from fuzzing.boxes import CVAT, HEIGHT, LABELME, MEGADETECTOR, STUDIO, WIDTH
from fuzzing.damage import damage, damage_text
from fuzzing.networks import network_bytes, photo_bytes
from fuzzing.target import Target

RLE: dict[str, Any] = {
    "size": [HEIGHT, WIDTH],
    "counts": compress(np.array([33, 5, 25, 5, 1132]), width=WIDTH, height=HEIGHT).decode(),
}
POLYGONS = [[1.5, 2, 30, 2, 30, 20, 1, 25], [0, 0, 5, 0, 5, 5]]
SEGMENTATIONS: list[Any] = [
    RLE,
    {"size": [HEIGHT, WIDTH], "counts": [33, 5, 25, 5, 1132]},
    POLYGONS,
]
_MARK = {"status": "ok", "predicted_iou": 0.9, "box": [1, 1, 9, 9]}
FORM: dict[str, Any] = {
    "images": [{"id": 1, "file_name": "0.png", "width": WIDTH, "height": HEIGHT}],
    "annotations": [
        {"id": k, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "iscrowd": 0}
        | {"segmentation": segmentation, "area": 10, "boxmask": _MARK}
        for k, segmentation in enumerate(SEGMENTATIONS)
    ],
    "categories": [{"id": 1, "name": "cat"}],
}
RESULTS = [one | {"score": 0.5} for one in FORM["annotations"]]
_FORM = json.dumps(FORM).encode()
_OWN = {"at": "2026-01-01T00:00:00Z", "client": "a", "id": 0, "image": "0.png", "mask": "x"}
_CORRECTED = {"rle": {"size": [HEIGHT, WIDTH], "counts": RLE["counts"]}, "box": [1, 1, 9, 9]}
VERDICTS = "".join(
    f"{json.dumps(line)}\n"
    for line in (
        {"boxmask_review": 1, "file": "masks.json", "annotations": 3},
        {"seq": 1, "row": 0, "verdict": "accept"} | _OWN,
        {"seq": 2, "row": 1, "verdict": "corrected", "by": ["brush"]} | _OWN | _CORRECTED,
        {"seq": 3, "row": "new-3", "verdict": "drawn", "category": "dog"} | _OWN | _CORRECTED,
        {"seq": 4, "row": 0, "verdict": "undo", "undoes": 1} | _OWN,
        {"seq": 5, "row": None, "verdict": "audit", "size": 2, "seed": 1} | _OWN,
    )
).encode()


def decode(path: Path) -> None:
    """Decode a segmentation; the two ways of measuring run lengths must agree."""
    try:
        segmentation = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return
    counts = segmentation_runs(segmentation, width=WIDTH, height=HEIGHT)
    assert counts.sum() == WIDTH * HEIGHT
    found = measure_rles([compress(counts, width=WIDTH, height=HEIGHT)], np.array([HEIGHT]))
    x, y, w, h = bounding_box(counts, height=HEIGHT)
    assert not found.broken[0] and found.area[0] == area(counts)
    assert found.boxes[0].tolist() == ([x, y, x + w, y + h] if w else [0, 0, 0, 0])


def score(path: Path) -> None:
    """Evaluate predictions."""
    evaluate(EvaluateJob(path.with_name("other.json"), predicted=(path,), workers=1))


def score_by(path: Path) -> None:
    """Evaluate by a file of true masks."""
    evaluate(EvaluateJob(path, predicted=(path.with_name("other.json"),), workers=1))


def review(path: Path) -> None:
    """Go on with a review, and write what became of it; that must be a file that can be read."""
    file = path.with_name("masks.json")
    instances = open_instances(file, path.parent)
    verdicts = VerdictLog.open(path, file=file.name, annotations=len(instances))
    try:
        session = Session(instances, verdicts)
        session.counted()
        for row in range(len(instances)):
            session.describe(row)
        session.undo("a")
    finally:
        verdicts.close()
    out = path.with_name("applied.json")
    out.unlink(missing_ok=True)
    apply_verdicts(file, path.parent, path, out)
    read(out)


def put_back(path: Path, option: str) -> None:
    """Annotate a file, and put the masks back into a copy of it, which must be readable again."""
    source = path.parent if option == "labelme" else path
    photos = source.with_name("photos")
    with TemporaryDirectory() as name:
        place = Path(name) / ("back" if source.is_dir() else source.name)
        (place if source.is_dir() else place.parent).mkdir(exist_ok=True)
        job = AnnotateJob(
            boxes=source,
            images=photos,
            out=Path(name) / "out.json",
            weights=photos / "tiny.safetensors",
            threads=1,
            decoders=1,
            runtime="torch",
            exports={option: place},
            export_options=ExportOptions(),
        )
        annotate(job, lambda event: None)
        dataset = read(source, ReadOptions(images=photos))
        report = check(dataset, job.out)
        assert report.holds, report.first
        again = read(place, ReadOptions(images=photos))
        assert len(again.boxes) >= len(dataset.boxes)  # an object may be in several parts


def _back(name: str, option: str, seed: bytes, how: Any) -> Target:
    beside = {"photos/0.png": photo_bytes(), "photos/tiny.safetensors": network_bytes()}
    return Target(name, partial(put_back, option=option), [seed], how, beside, tests=8)


_OTHER = {"other.json": _FORM}
_MEGADETECTOR = json.dumps(MEGADETECTOR).replace("a.jpg", "0.png").encode()
TARGETS = {
    "rle": Target("mask.json", decode, [json.dumps(one).encode() for one in SEGMENTATIONS]),
    "eval": Target(
        "predicted.json", score, [_FORM, json.dumps(RESULTS).encode()], damage, _OTHER, tests=8
    ),
    "truth": Target("truth.json", score_by, [_FORM], damage, _OTHER, tests=8),
    "verdicts": Target(
        "masks.json.verdicts.jsonl",
        review,
        [VERDICTS],
        damage,
        {"masks.json": _FORM, "0.png": photo_bytes()},
        tests=15,
    ),
    "back-labelme": _back("boxes/0.json", "labelme", json.dumps(LABELME).encode(), damage),
    "back-label-studio": _back("0.json", "label_studio", json.dumps(STUDIO).encode(), damage),
    "back-megadetector": _back("0.json", "megadetector", _MEGADETECTOR, damage),
    "back-cvat": _back("0.xml", "cvat", CVAT, damage_text),
}
