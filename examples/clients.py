"""Load what `boxmask annotate` writes with the programs that read it, and compare every mask.

    boxmask annotate boxes.json --images photos --out masks.json \
        --training-copy training.json --yolo yolo
    python examples/clients.py training.json --yolo yolo --images photos

Prints a table: program, version, masks compared, how many are the same pixel for pixel, mean and
lowest IoU. Programs that are not installed are named below it. The masks of training.json, as
pycocotools decodes them, are the measure; crowds are left out.
"""

import argparse
import importlib
import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask

Bits = npt.NDArray[np.bool_]
Masks = dict[str, list[Bits]]  # by the stem of the image
Client = tuple[str, Callable[[], Masks]]  # a package, and what loads masks by it


class Files(NamedTuple):
    """What is loaded."""

    coco: Path
    yolo: Path | None
    images: Path


def by_pycocotools(files: Files) -> Masks:
    """Decode by COCO.annToMask."""
    coco = importlib.import_module("pycocotools.coco").COCO(str(files.coco))
    return by_image(coco, coco.annToMask)


def by_faster_coco_eval(files: Files) -> Masks:
    """Decode by faster-coco-eval's COCO."""
    coco = importlib.import_module("faster_coco_eval").COCO(str(files.coco))
    return by_image(coco, coco.annToMask)


def by_hotcoco(files: Files) -> Masks:
    """Decode by hotcoco's COCO."""
    coco = importlib.import_module("hotcoco").COCO(str(files.coco))
    anns = json.loads(files.coco.read_text())
    names = {image["id"]: image["file_name"] for image in anns["images"]}
    found: Masks = defaultdict(list)
    for one in anns["annotations"]:
        if not one["iscrowd"]:
            found[stem(names[one["image_id"]])].append(coco.annToMask(one).astype(bool))
    return found


def by_torchvision(files: Files) -> Masks:
    """Load by CocoDetection, wrapped for transforms v2."""
    datasets = importlib.import_module("torchvision.datasets")
    dataset = datasets.CocoDetection(files.images, files.coco)
    wrapped = datasets.wrap_dataset_for_transforms_v2(dataset, target_keys=("masks", "image_id"))
    crowd = {
        image: [bool(one["iscrowd"]) for one in ones]
        for image, ones in dataset.coco.imgToAnns.items()
    }
    found = {}
    for _, target in wrapped:
        if "masks" in target:
            image = target["image_id"]
            masks = zip(target["masks"].numpy().astype(bool), crowd[image], strict=True)
            found[stem(dataset.coco.imgs[image]["file_name"])] = [
                one for one, is_crowd in masks if not is_crowd
            ]
    return found


def by_supervision_coco(files: Files) -> Masks:
    """Load by DetectionDataset.from_coco."""
    loaded = importlib.import_module("supervision").DetectionDataset.from_coco(
        str(files.images), str(files.coco), force_masks=True
    )
    found = {}
    for name, detections in loaded.annotations.items():
        if detections.mask is not None:
            crowd = detections.data.get("iscrowd", np.zeros(len(detections)))
            kept = zip(np.asarray(detections.mask), crowd, strict=True)
            found[stem(name)] = [mask.astype(bool) for mask, is_crowd in kept if not is_crowd]
    return found


def by_supervision_yolo(files: Files) -> Masks:
    """Load by DetectionDataset.from_yolo."""
    assert files.yolo is not None
    loaded = importlib.import_module("supervision").DetectionDataset.from_yolo(
        str(files.yolo / "images"),
        str(files.yolo / "labels"),
        str(files.yolo / "data.yaml"),
        force_masks=True,
    )
    return {stem(name): list(np.asarray(one.mask)) for name, one in loaded.annotations.items()}


def by_ultralytics(files: Files) -> Masks:
    """Load by ultralytics' YOLODataset from another folder, and draw by its polygon2mask."""
    assert files.yolo is not None
    check = importlib.import_module("ultralytics.data.utils")
    data = check.check_det_dataset(str(files.yolo / "data.yaml"), autodownload=False)
    dataset = importlib.import_module("ultralytics.data.dataset").YOLODataset(
        img_path=data["train"], data=data, task="segment", imgsz=640, augment=False
    )
    found: Masks = {}
    for label in dataset.labels:
        height, width = label["shape"]
        found[stem(label["im_file"])] = [
            check.polygon2mask((height, width), [segment * (width, height)]).astype(bool)
            for segment in label["segments"]
        ]
    return found


def by_datumaro(files: Files) -> Masks:
    """Load by the coco_instances importer, which wants its own folders and cuts masks up."""
    datumaro = importlib.import_module("datumaro")
    data = json.loads(files.coco.read_text())
    images = {stem(one["file_name"]): one for one in data["images"]}
    order = {one["id"]: place for place, one in enumerate(data["annotations"])}
    found: Masks = {}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "annotations").mkdir()
        (Path(folder) / "images").symlink_to(files.images.absolute())
        shutil.copy(files.coco, Path(folder) / "annotations" / "instances_all.json")
        for item in datumaro.Dataset.import_from(folder, "coco_instances"):
            parts: dict[int, list[Bits]] = defaultdict(list)
            for one in item.annotations:
                is_box = type(one).__name__ == "Bbox"  # one beside each mask
                if not is_box and not one.attributes.get("is_crowd"):
                    parts[one.group].append(datumaro_bits(one, images[stem(item.id)]))
            ids = sorted(parts, key=order.__getitem__)
            found[stem(item.id)] = [np.any(parts[id], axis=0) for id in ids]
    return found


def datumaro_bits(one: Any, image: dict[str, Any]) -> Bits:
    """Return what one of Datumaro's polygons or masks covers."""
    if hasattr(one, "image"):
        return np.asarray(one.image).astype(bool)
    return decoded([list(map(float, one.points))], image)


def by_ultralytics_converter(files: Files) -> Masks:
    """Convert by ultralytics' convert_coco, and draw its lines by its polygon2mask."""
    convert = importlib.import_module("ultralytics.data.converter").convert_coco
    draw = importlib.import_module("ultralytics.data.utils").polygon2mask
    data = json.loads(files.coco.read_text())
    found: Masks = {}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "in").mkdir()
        shutil.copy(files.coco, Path(folder) / "in" / "all.json")
        convert(f"{folder}/in", f"{folder}/out", use_segments=True, cls91to80=False)
        for image in data["images"]:
            size = (image["height"], image["width"])
            text = Path(folder) / "out" / "labels" / "all" / f"{stem(image['file_name'])}.txt"
            lines = text.read_text().splitlines() if text.is_file() else []
            rings = [np.array(line.split()[1:], float).reshape(-1, 2) for line in lines]
            found[stem(image["file_name"])] = [
                draw(size, [(ring * size[::-1]).ravel()]).astype(bool) for ring in rings
            ]
    return found


def by_transformers(files: Files) -> Masks:
    """Prepare by transformers' DetrImageProcessor, which knows polygons and no run lengths."""
    made = importlib.import_module("transformers").DetrImageProcessor(do_resize=False, do_pad=False)
    coco = importlib.import_module("pycocotools.coco").COCO(str(files.coco))
    found = {}
    for id, image in coco.imgs.items():
        ones = coco.imgToAnns[id]
        if any(isinstance(one["segmentation"], dict) and not one["iscrowd"] for one in ones):
            raise ImportError("run lengths")
        kept = {"image_id": id, "annotations": [one for one in ones if not one["iscrowd"]]}
        pixels = np.zeros((image["height"], image["width"], 3), np.uint8)
        batch = made(images=pixels, annotations=kept, return_segmentation_masks=True)
        found[stem(image["file_name"])] = list(np.asarray(batch["labels"][0]["masks"]).astype(bool))
    return found


LOADERS: dict[str, tuple[str, Callable[[Files], Masks]]] = {
    "pycocotools": ("pycocotools", by_pycocotools),
    "faster-coco-eval": ("faster-coco-eval", by_faster_coco_eval),
    "hotcoco": ("hotcoco", by_hotcoco),
    "torchvision, wrapped": ("torchvision", by_torchvision),
    "supervision from_coco": ("supervision", by_supervision_coco),
    "datumaro": ("datumaro", by_datumaro),
    "supervision from_yolo": ("supervision", by_supervision_yolo),
    "ultralytics": ("ultralytics", by_ultralytics),
    "ultralytics convert_coco": ("ultralytics", by_ultralytics_converter),
    "transformers, DETR": ("transformers", by_transformers),
}


def by_image(coco: Any, decode: Callable[[Any], Any]) -> Masks:
    """Decode the annotations of a COCO index."""
    found: Masks = defaultdict(list)
    for one in coco.dataset["annotations"]:
        if not one["iscrowd"]:
            name = coco.imgs[one["image_id"]]["file_name"]
            found[stem(name)].append(np.asarray(decode(one)).astype(bool))
    return found


def stem(name: object) -> str:
    """Return what a program may call an image by."""
    return Path(str(name)).stem


def true_masks(path: Path) -> Masks:
    """Decode the file's masks by pycocotools alone."""
    data = json.loads(path.read_text())
    images = {image["id"]: image for image in data["images"]}
    found: Masks = defaultdict(list)
    for one in data["annotations"]:
        image = images[one["image_id"]]
        if not one["iscrowd"]:
            found[stem(image["file_name"])].append(decoded(one["segmentation"], image))
    return found


def decoded(segmentation: Any, image: dict[str, Any]) -> Bits:
    """Decode any of COCO's forms."""
    size = (image["height"], image["width"])
    if isinstance(segmentation, list):
        segmentation = coco_mask.merge(coco_mask.frPyObjects(segmentation, *size))
    elif isinstance(segmentation["counts"], list):
        segmentation = coco_mask.frPyObjects(segmentation, *size)
    bits: Bits = coco_mask.decode(segmentation).astype(bool)
    return bits


def ious(found: Masks, true: Masks) -> Iterator[float]:
    """Yield the IoU of each true mask with the one in its place, 0 where there is none."""
    for name, masks in true.items():
        theirs = found.get(name, [])
        for place, mask in enumerate(masks):
            other = theirs[place] if len(theirs) == len(masks) else np.zeros_like(mask)
            yield float((mask & other).sum() / max((mask | other).sum(), 1))


def print_table(clients: Mapping[str, Client], true: Masks) -> None:
    """Print a row for each program that is installed."""
    rows, missing = [], []
    for name, (package, load) in clients.items():
        try:
            found = np.array(list(ious(load(), true)))
        except ImportError as error:
            missing.append(f"{name} ({error})")
            continue
        same, mean, low = (found == 1).sum(), found.mean(), found.min()
        rows.append(
            f"| {name} | {version(package)} | {len(found)} | {same} | {mean:.4f} | {low:.3f} |"
        )
    print("| program | version | masks | identical | mean IoU | lowest |")
    print("|---|---|---:|---:|---:|---:|")
    print("\n".join(rows))
    if missing:
        print("Not installed:", "; ".join(missing))


def main() -> None:
    """Load all that is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("coco", type=Path)
    parser.add_argument("--yolo", type=Path)
    parser.add_argument("--images", type=Path, required=True)
    given = parser.parse_args()
    files = Files(given.coco, given.yolo, given.images)
    fitting = {
        name: (package, partial(load, files))
        for name, (package, load) in LOADERS.items()
        if files.yolo is not None or load not in (by_supervision_yolo, by_ultralytics)
    }
    print_table(fitting, true_masks(given.coco))


if __name__ == "__main__":
    main()
