"""Load what `boxmask annotate` puts back into LabelMe, CVAT and Label Studio by these programs.

    python examples/write_boxes.py coco.json boxes
    boxmask annotate boxes/cvat.xml --images photos --out masks.json --cvat masks.xml
    python examples/clients_back.py masks.json --cvat masks.xml --images photos

Each mask is compared with that of masks.json, as examples/clients.py does.
"""

import argparse
import importlib
import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from clients import Bits, Client, Masks, datumaro_bits, print_table, stem, true_masks


def by_labelme(folder: Path) -> Masks:
    """Open each file as LabelMe does, with its photo; the shapes of a group are one object."""
    opened = importlib.import_module("labelme._label_file").LabelFile
    draw = importlib.import_module("labelme.utils").shape_to_mask
    found: Masks = {}
    for path in sorted(folder.glob("*.json")):
        file = opened(str(path))
        photo = importlib.import_module("labelme.utils").img_data_to_arr(file.imageData)
        objects: dict[object, Bits] = {}
        for place, shape in enumerate(file.shapes):
            group = ("group", shape["group_id"]) if shape["group_id"] is not None else place
            bits = labelme_bits(shape, photo.shape[:2], draw)
            objects[group] = objects.get(group, np.zeros_like(bits)) | bits
        found[path.stem] = list(objects.values())
    return found


def labelme_bits(shape: dict[str, Any], size: tuple[int, int], draw: Any) -> Bits:
    """Draw a shape as LabelMe does when it makes a label image."""
    if shape["mask"] is None:
        return np.asarray(draw(size, shape["points"], shape["shape_type"]))
    (x0, y0), (x1, y1) = np.asarray(shape["points"]).astype(int)
    bits = np.zeros(size, np.bool_)
    bits[y0 : y1 + 1, x0 : x1 + 1] = shape["mask"]
    return bits


def by_datumaro(path: Path, images: Path) -> Masks:
    """Load by datumaro's reader of CVAT."""
    load = importlib.import_module("datumaro").Dataset.import_from
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "annotations.xml").write_bytes(path.read_bytes())
        (Path(folder) / "images").symlink_to(images.absolute())
        return {
            stem(item.id): [datumaro_bits(one, {}) for one in item.annotations]
            for item in load(folder, "cvat")
        }


def by_label_studio(path: Path, package: str) -> Masks:
    """Have Label Studio's SDK check each prediction, and decode its brushes by `package`."""
    interface = importlib.import_module("label_studio_sdk.label_interface").LabelInterface
    decode = importlib.import_module(f"{package}.brush").decode_rle
    tasks = json.loads(path.read_text())
    results = {place: task["predictions"][-1] for place, task in enumerate(tasks) if made(task)}
    labels = {label for one in results.values() for result in one["result"] for label in of(result)}
    inner = "".join(f'<Label value="{label}"/>' for label in sorted(labels))
    config = f'<BrushLabels name="label" toName="image">{inner}</BrushLabels>'
    known = interface(f'<View><Image name="image" value="$image"/>{config}</View>')
    found = {}
    for place, prediction in results.items():
        if not known.validate_prediction(prediction):
            raise ValueError(f"task {place + 1}: Label Studio does not take the prediction")
        name = tasks[place]["data"]["image"].rpartition("-")[2]
        found[stem(name)] = [
            decode(one["value"]["rle"]).reshape(one["original_height"], one["original_width"], 4)[
                :, :, 3
            ]
            > 0
            for one in prediction["result"]
        ]
    return found


def made(task: dict[str, Any]) -> bool:
    """Tell whether a task has a prediction of boxmask."""
    last = (task["predictions"] or [{}])[-1]
    return str(last.get("model_version")).startswith("boxmask")


def of(result: dict[str, Any]) -> list[str]:
    """Return the labels of a brush."""
    labels: list[str] = result["value"]["brushlabels"]
    return labels


def main() -> None:
    """Load all that is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("coco", type=Path)
    parser.add_argument("--labelme", type=Path)
    parser.add_argument("--cvat", type=Path)
    parser.add_argument("--label-studio", type=Path)
    parser.add_argument("--images", type=Path, required=True)
    given = parser.parse_args()
    clients: dict[str, Client] = {}
    if given.labelme:
        clients["labelme"] = ("labelme", partial(by_labelme, given.labelme))
    if given.cvat:
        clients["datumaro, CVAT"] = ("datumaro", partial(by_datumaro, given.cvat, given.images))
    for name, module in (
        ("label-studio-converter", "label_studio_converter"),
        ("label-studio-sdk", "label_studio_sdk.converter"),
    ):
        if given.label_studio:
            clients[name] = (name, partial(by_label_studio, given.label_studio, module))
    print_table(clients, true_masks(given.coco))


if __name__ == "__main__":
    main()
