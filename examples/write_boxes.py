"""Write the boxes of a COCO file as LabelMe, CVAT, Label Studio and MegaDetector keep them.

    python examples/write_boxes.py coco/instances_val.json boxes

writes boxes/labelme/*.json, boxes/cvat.xml, boxes/tasks.json and boxes/megadetector.json, crowds
left out. `boxmask annotate` puts masks into them; examples/clients.py loads those.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

Json = dict[str, Any]
Photos = list[tuple[Json, list[tuple[str, list[float]]]]]  # images, each with its labelled boxes


def photos_of(path: Path) -> Photos:
    """List the images, each with the label and the corners of its boxes."""
    data = json.loads(path.read_text(encoding="utf-8"))
    names = {one["id"]: one["name"] for one in data["categories"]}
    found = defaultdict(list)
    for one in data["annotations"]:
        if not one.get("iscrowd"):
            x, y, w, h = one["bbox"]
            box = [round(side, 2) for side in (x, y, x + w, y + h)]
            found[one["image_id"]].append((names[one["category_id"]], box))
    return [(image, found[image["id"]]) for image in data["images"]]


def write_labelme(photos: Photos, folder: Path) -> None:
    """Write a JSON for each image."""
    folder.mkdir(parents=True, exist_ok=True)
    for image, boxes in photos:
        shapes: list[Json] = [
            {"label": label, "points": [box[:2], box[2:]], "group_id": None, "description": ""}
            | {"shape_type": "rectangle", "flags": {}, "mask": None}
            for label, box in boxes
        ]
        file: Json = {"version": "5.5.0", "flags": {}, "shapes": shapes}
        file |= {"imagePath": image["file_name"], "imageData": None}
        file |= {"imageHeight": image["height"], "imageWidth": image["width"]}
        name = Path(image["file_name"]).with_suffix(".json").name
        (folder / name).write_text(json.dumps(file, indent=2), encoding="utf-8")


def write_cvat(photos: Photos, path: Path) -> None:
    """Write one XML of CVAT for images 1.1."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "<version>1.1</version>"]
    labels = sorted({label for _, boxes in photos for label, _ in boxes})
    listed = "".join(f"<label><name>{label}</name></label>" for label in labels)
    lines += [f"<meta><task><labels>{listed}</labels></task></meta>"]
    for number, (image, boxes) in enumerate(photos):
        name, size = quoteattr(image["file_name"]), (image["width"], image["height"])
        lines += ['<image id="{}" name={} width="{}" height="{}">'.format(number, name, *size)]
        for label, box in boxes:
            corners = 'xtl="{}" ytl="{}" xbr="{}" ybr="{}"'.format(*box)
            lines += [
                f'<box label={quoteattr(label)} source="manual" occluded="0" {corners} z_order="0">'
            ]
            lines += ["</box>"]
        lines += ["</image>"]
    path.write_text("\n".join([*lines, "</annotations>", ""]), encoding="utf-8")


def write_label_studio(photos: Photos, path: Path) -> None:
    """Write one list of tasks, each with its boxes as an annotation."""
    tasks = []
    for number, (image, boxes) in enumerate(photos, 1):
        width, height = image["width"], image["height"]
        results = []
        for place, (label, (x0, y0, x1, y1)) in enumerate(boxes):
            value: Json = {"x": 100 * x0 / width, "y": 100 * y0 / height, "rotation": 0}
            value |= {"width": 100 * (x1 - x0) / width, "height": 100 * (y1 - y0) / height}
            result: Json = {"id": f"r{place}", "from_name": "label", "to_name": "image"}
            result |= {"type": "rectanglelabels", "value": value | {"rectanglelabels": [label]}}
            results.append(result | {"original_width": width, "original_height": height})
        data = {"image": f"/data/upload/1/0123abcd-{image['file_name']}"}
        annotation = {"id": number, "was_cancelled": False, "result": results}
        tasks.append({"id": number, "data": data, "annotations": [annotation], "predictions": []})
    path.write_text(json.dumps(tasks), encoding="utf-8")


def write_megadetector(photos: Photos, path: Path) -> None:
    """Write results with every box as an animal."""
    images = []
    for image, boxes in photos:
        width, height = image["width"], image["height"]
        sides = [(x0, y0, x1 - x0, y1 - y0) for _, (x0, y0, x1, y1) in boxes]
        found = [
            {"category": "1", "conf": 0.9, "bbox": [x / width, y / height, w / width, h / height]}
            for x, y, w, h in sides
        ]
        images.append({"file": image["file_name"], "detections": found})
    results = {"info": {"format_version": "1.4"}, "detection_categories": {"1": "animal"}}
    path.write_text(json.dumps(results | {"images": images}, indent=1), encoding="utf-8")


def main() -> None:
    """Write all four."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("coco", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    photos = photos_of(given.coco)
    write_labelme(photos, given.folder / "labelme")
    write_cvat(photos, given.folder / "cvat.xml")
    write_label_studio(photos, given.folder / "tasks.json")
    write_megadetector(photos, given.folder / "megadetector.json")
    print(f"{len(photos)} images, {sum(len(boxes) for _, boxes in photos)} boxes in {given.folder}")


if __name__ == "__main__":
    main()
