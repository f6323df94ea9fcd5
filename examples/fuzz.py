"""Feed the readers, `check`, run lengths and weights with damaged files, and tell what breaks them.

    python examples/fuzz.py --minutes 10 --seed 1 --keep broken

A file may be read, or refused with an error of ours; anything else is a finding, and the file is
kept. What is read is written in COCO form, and `check` must find that nothing was lost.
`tests/test_fuzz.py` tries some each time.
"""

import argparse
import json
import random
import re
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from safetensors.torch import save

from boxmask.annotate.output import _write_head
from boxmask.check import check
from boxmask.check.rle_batch import measure_rles
from boxmask.data import read
from boxmask.data.forms import coco_form
from boxmask.errors import BoxmaskError
from boxmask.models import ModelConfig, build
from boxmask.models.weights import load_network
from boxmask.rle import area, bounding_box, compress, segmentation_runs
from boxmask.subset import Subset

WIDTH, HEIGHT = 40, 30
_VALUE = re.compile(rb'(?<=[:,\[])\s*(-?\d[\d.eE+-]*|"[^"\\]*"|null|true|false)')
_DEEP = b"[" * 980 + b"]" * 980
TOKENS = (
    *(b"NaN", b"-Infinity", b"1e400", b"-1e308", b"1e308", b"9" * 401, b"1" * 5000, b"0", b"-1"),
    *(b'"\\ud800"', b'"\xff"', b'"a\x00b"', b"\xb6", b'""', b'"0"', b'"?"', b"null", b"true"),
    *(b"[]", b"{}", b"[[]]", b'{"counts":""}', b'{"size":[30,40],"counts":"\xff"}', _DEEP),
    *(b"[[0,0,99000,1,-99000,2]]", b"[1,2,3,4]", b"18446744073709551616", b"2147483648", b"1.5"),
    *(b'1,"id":7', b'2,"bbox_relative":"mine"', b'3,"image_id":1', b'4,"id":4', b'5,"own":NaN'),
    *(b'6,"segmentation":NaN', b'7,"area":1e400', b'8,"boxmask":{"status":"ok"}', b'9,"x":1,"x":2'),
)
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
MASKS: list[Any] = [
    {
        "size": [HEIGHT, WIDTH],
        "counts": compress(np.array([33, 5, 25, 5, 1132]), width=WIDTH, height=HEIGHT).decode(),
    },
    {"size": [HEIGHT, WIDTH], "counts": [33, 5, 25, 5, 1132]},
    [[1.5, 2, 30, 2, 30, 20, 1, 25], [0, 0, 5, 0, 5, 5]],
]


class _Nothing(Subset):
    """No annotation was to be annotated."""

    def rows(self, dataset: Any) -> Any:
        """Tell so."""
        return np.zeros(len(dataset.annotation_ids), np.bool_)


def damage(data: bytes, chance: random.Random) -> bytes:
    """Damage a file in a few places: values, spans, bytes."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        kind = chance.randrange(7)
        start = chance.randrange(len(data) + 1)
        stop = min(len(data), start + chance.randrange(1, 40))
        values = list(_VALUE.finditer(data)) if kind < 4 else []
        if values:
            start, stop = chance.choice(values).span(1)
            data = data[:start] + chance.choice(TOKENS) + data[stop:]
        elif kind == 4:
            data = data[:start] + bytes([chance.randrange(256)]) + data[start + 1 :]
        elif kind == 5:
            data = data[:start] + data[stop:]
        else:
            data = data[:stop] + data[start:]
    return data


def conserve(data: bytes, folder: Path) -> None:
    """Read a box file, write it as an output in which nothing was to be done, and check that."""
    path, out = folder / "boxes.json", folder / "out.json"
    path.write_bytes(data)
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


def decode_mask(data: bytes, folder: Path) -> None:
    """Decode a segmentation; the two ways of measuring run lengths must agree."""
    try:
        segmentation = json.loads(data)
    except (ValueError, RecursionError):
        return
    counts = segmentation_runs(segmentation, width=WIDTH, height=HEIGHT)
    assert counts.sum() == WIDTH * HEIGHT
    found = measure_rles([compress(counts, width=WIDTH, height=HEIGHT)], np.array([HEIGHT]))
    x, y, w, h = bounding_box(counts, height=HEIGHT)
    assert not found.broken[0] and found.area[0] == area(counts)
    assert found.boxes[0].tolist() == ([x, y, x + w, y + h] if w else [0, 0, 0, 0])


def load_weights(data: bytes, folder: Path) -> None:
    """Load a weights file."""
    path = folder / "network.safetensors"
    path.write_bytes(data)
    load_network(path)


def weights_seed() -> bytes:
    """Make the weights of a small network."""
    parts: dict[str, Any] = {"backbone": "tiny", "head": "fc2", "feature_channels": 8}
    parts |= {"embedding_channels": 8, "view_size": 32, "crop_size": 8, "mask_size": 8}
    torch.manual_seed(0)
    config = ModelConfig(**parts, head_channels=4)
    member = {"config": json.loads(config.to_json()), "card": {}}
    return save(dict(build(config).state_dict()), metadata={"boxmask": json.dumps(member)})


def damage_weights(data: bytes, chance: random.Random) -> bytes:
    """Damage the header of a weights file, and mend its length, so that it is read at all."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    inner = header["__metadata__"]["boxmask"].encode()
    if chance.random() < 0.5:
        text = damage(inner, chance).decode("utf-8", "replace")
        header["__metadata__"]["boxmask"] = text
        written = json.dumps(header).encode()
    else:
        written = damage(json.dumps(header).encode(), chance)
    sized = chance.choice((len(written), len(written), len(written), 10**8, 0))
    return sized.to_bytes(8, "little") + written + data[8 + length :][: chance.choice((10**9, 99))]


Target = Callable[[bytes, Path], None]
Damage = Callable[[bytes, random.Random], bytes]
TARGETS: dict[str, tuple[Target, Damage, Sequence[bytes]]] = {
    "coco": (conserve, damage, [json.dumps(COCO).encode()]),
    "turned": (conserve, damage, [json.dumps(TURNED).encode()]),
    "megadetector": (conserve, damage, [json.dumps(MEGADETECTOR).encode()]),
    "visual-genome": (conserve, damage, [json.dumps(GENOME).encode()]),
    "rle": (decode_mask, damage, [json.dumps(mask).encode() for mask in MASKS]),
    "weights": (load_weights, damage_weights, [weights_seed()]),
}


def attempt(name: str, data: bytes, folder: Path) -> str:
    """Try a file; return "read", or "refused" if an error of ours says why."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            TARGETS[name][0](data, folder)
        except BoxmaskError as error:
            assert str(error)
            return "refused"
    return "read"


def main() -> None:
    """Fuzz until the time is over."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=list(TARGETS))
    parser.add_argument("--keep", type=Path, default=Path("findings"))
    options = parser.parse_args()
    names = [options.only] if options.only else list(TARGETS)
    chance, found, end = (
        random.Random(options.seed),
        Counter[str](),
        time.monotonic() + 60 * options.minutes,
    )
    with tempfile.TemporaryDirectory() as place:
        while time.monotonic() < end:
            name = chance.choice(names)
            _, harm, seeds = TARGETS[name]
            data = harm(chance.choice(seeds), chance)
            try:
                found[f"{name} {attempt(name, data, Path(place))}"] += 1
            except Exception:
                found[f"{name} BROKEN"] += 1
                options.keep.mkdir(exist_ok=True)
                path = options.keep / f"{name}-{found.total()}.bin"
                path.write_bytes(data)
                print(f"{path}: {traceback.format_exc(limit=-3)}", file=sys.stderr)
    for what, count in sorted(found.items()):
        print(f"{what}: {count}")
    sys.exit(any("BROKEN" in what for what in found))


if __name__ == "__main__":
    main()
