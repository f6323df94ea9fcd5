"""The conservation law for inputs that become COCO on the way."""

import json
from pathlib import Path

from check_files import HEIGHT, OK, WIDTH, Json, checked, filled

from boxmask.check.values import encode_values
from boxmask.data import read
from boxmask.data.forms import coco_form


def as_coco(folder: Path, sizes: dict[int, tuple[int, int]], mask: Json) -> Json:
    """What a run would make of in.json: row 0 gets a mask, the others are skipped."""
    dataset = read(folder / "in.json")
    form = coco_form(dataset)
    out = {key: json.loads(raw) for key, raw in form.top_level(sizes)}
    out["annotations"] = []
    for row, image in enumerate(dataset.image_index.tolist()):
        raw = encode_values(form.annotation(row, sizes.get(image)))
        values = {key: json.loads(bytes(value)) for key, value in raw.items()}
        note = {"boxmask": {"status": "skipped", "reason": "too dark"}}
        out["annotations"].append(values | (note if row else {**mask, "boxmask": OK}))
    return out


def test_detections_in_fractions_are_checked_in_pixels(tmp_path: Path) -> None:
    detection = {"category": "1", "conf": 0.875, "bbox": [0.125, 0.1, 0.5, 0.5]}
    ours = {
        "info": {"format_version": "1.4"},
        "detection_categories": {"1": "animal"},
        "images": [
            {"file": "a/x.jpg", "detections": [detection, {**detection, "conf": 0.1}]},
            {"file": "a/y.jpg", "failure": "cannot open"},
        ],
    }
    (tmp_path / "in.json").write_text(json.dumps(ours))
    mask = {"segmentation": filled(6, 4, 10, 10), "area": 100}
    theirs = as_coco(tmp_path, {0: (WIDTH, HEIGHT)}, mask)
    report = checked(tmp_path, ours, theirs)
    assert report.holds, report.first
    assert report.statuses == {"ok": 1, "skipped": 1}
    theirs["annotations"][0]["segmentation"] = filled(4, 4, 10, 10)
    assert "leaves its box" in checked(tmp_path, ours, theirs).first[0]
    theirs["annotations"][1]["conf"] = 0.2
    assert '"conf" was 0.1 and is 0.2' in checked(tmp_path, ours, theirs).first[1]


def test_objects_of_visual_genome_are_checked_in_coco_form(tmp_path: Path) -> None:
    thing = {"synsets": ["tree.n.01"], "names": ["tree"], "x": 5, "y": 4, "w": 20, "h": 10}
    ours = [{"image_id": 7, "objects": [{"object_id": 1, **thing}, {"object_id": 2, **thing}]}]
    url = "https://cs.stanford.edu/people/rak248/VG_100K/7.jpg"
    image = {"image_id": 7, "url": url, "width": WIDTH, "height": HEIGHT}
    (tmp_path / "image_data.json").write_text(json.dumps([image]))
    (tmp_path / "in.json").write_text(json.dumps(ours))
    theirs = as_coco(tmp_path, {}, {"segmentation": filled(6, 5, 10, 5), "area": 50})
    report = checked(tmp_path, ours, theirs)
    assert report.holds, report.first
    del theirs["annotations"][1]["names"]
    assert '"names" is missing' in checked(tmp_path, ours, theirs).first[0]
