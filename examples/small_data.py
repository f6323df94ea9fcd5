"""Small data for the walk-throughs of docs/: the five photographs in forms that others write.

    python examples/small_data.py camera-traps SEASON
    python examples/small_data.py visual-genome GENOME

The first makes a season of two cameras as MegaDetector leaves it: photographs in folders, one of
them empty and one damaged, and detections.json. The second writes objects.json and image_data.json
as Visual Genome has them. No time at all.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

PHOTOS = Path(__file__).with_name("photos")
ANIMAL, PERSON, VEHICLE = "1", "2", "3"
DETECTED = {"cat": (ANIMAL, 0.97), "person": (PERSON, 0.93), "rocket": (VEHICLE, 0.64)}
CAMERAS = {"camera.jpg": "gate", "astronaut.jpg": "gate"}  # the others: pond
GENOME = "https://cs.stanford.edu/people/rak248/VG_100K"


def boxes_by_image() -> list[tuple[dict[str, Any], list[tuple[str, list[float]]]]]:
    """Return each image with its boxes: name of the class, (x, y, w, h)."""
    data = json.loads((PHOTOS / "boxes.json").read_text(encoding="utf-8"))
    names = {category["id"]: category["name"] for category in data["categories"]}
    return [
        (
            image,
            [
                (names[one["category_id"]], one["bbox"])
                for one in data["annotations"]
                if one["image_id"] == image["id"]
            ],
        )
        for image in data["images"]
    ]


def camera_traps(out: Path) -> str:
    """Write a season; what a detector of animals would not have found is left out or is weak."""
    images: list[dict[str, Any]] = []
    for image, boxes in boxes_by_image():
        name = f"{CAMERAS.get(image['file_name'], 'pond')}/{image['file_name']}"
        copy(image["file_name"], out / "images" / name)
        found = [detection(what, box, image) for what, box in boxes if what in (*DETECTED, "tower")]
        images.append({"file": name, "detections": found, "max_detection_conf": strongest(found)})
    (out / "images/pond/torn.jpg").write_bytes((PHOTOS / "chelsea.jpg").read_bytes()[:9000])
    images.append({"file": "pond/torn.jpg", "detections": None, "failure": "image access failure"})
    season = {
        "info": {"detector": "small_data.py", "format_version": "1.4"},
        "detection_categories": {ANIMAL: "animal", PERSON: "person", VEHICLE: "vehicle"},
        "images": images,
    }
    (out / "detections.json").write_text(json.dumps(season, indent=1), encoding="utf-8")
    count = sum(len(image["detections"] or ()) for image in images)
    return f"{len(images)} photographs, {count} detections in {out}"


def detection(what: str, box: list[float], image: dict[str, Any]) -> dict[str, Any]:
    """Write a box as MegaDetector does, in fractions of the image."""
    category, confidence = DETECTED.get(what, (ANIMAL, 0.08))
    sides = [image["width"], image["height"]] * 2
    fractions = [round(float(length) / side, 4) for length, side in zip(box, sides, strict=True)]
    return {"category": category, "conf": confidence, "bbox": fractions}


def strongest(found: list[dict[str, Any]]) -> float:
    """Return the highest confidence of an image."""
    return max((float(one["conf"]) for one in found), default=0.0)


def visual_genome(out: Path) -> str:
    """Write the boxes as the objects of Visual Genome: names and synsets, the images in a file."""
    objects, listed, number = [], [], 0
    for image, boxes in boxes_by_image():
        url = f"{GENOME}/{image['file_name']}"
        copy(image["file_name"], out / "VG_100K" / image["file_name"])
        listed.append({"image_id": image["id"], "url": url, "coco_id": None, "flickr_id": None})
        listed[-1] |= {"width": image["width"], "height": image["height"]}
        of_image = []
        for what, (x, y, w, h) in boxes:
            number += 1
            synset = f"{what.replace(' ', '_')}.n.01"
            of_image.append({"object_id": number, "names": [what], "synsets": [synset]})
            of_image[-1] |= {"x": x, "y": y, "w": w, "h": h, "merged_object_ids": []}
        objects.append({"image_id": image["id"], "image_url": url, "objects": of_image})
    (out / "objects.json").write_text(json.dumps(objects), encoding="utf-8")
    (out / "image_data.json").write_text(json.dumps(listed), encoding="utf-8")
    return f"{len(objects)} photographs, {number} objects in {out}"


def copy(name: str, target: Path) -> None:
    """Copy a photograph, and make the folders."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(PHOTOS / name, target)


def main() -> None:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["camera-traps", "visual-genome"])
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    print(camera_traps(given.out) if given.what == "camera-traps" else visual_genome(given.out))


if __name__ == "__main__":
    main()
