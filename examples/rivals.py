"""What other networks need for the boxes of a file, on the first five of its photographs.

    python examples/rivals.py BOXES.json --images DIR

`bench_annotate.py` prints the same against what boxmask needs. They get arrays and boxes, compute
in fp32 by one thread, and have weights by chance, which do not change what they cost. Everything is
counted in seconds of a core.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from boxmask.data import pixel_boxes, read
from boxmask.images import load_image

SAM_SIDE = 1024  # of the views of SAM and what descends from it
FEW = 5  # images that are enough


class Photo(NamedTuple):
    """A photograph (H, W, 3) and its boxes (N, 4)."""

    pixels: npt.NDArray[np.uint8]
    boxes: npt.NDArray[np.float64]


def photos_of(boxes: Path, images: Path) -> Iterator[Photo]:
    """Yield the first photographs of a file that have boxes."""
    dataset = read(boxes)
    order, starts = dataset.rows_by_image()
    for image in range(min(FEW, len(dataset.file_names))):
        rows = order[starts[image] : starts[image + 1]]
        rows = rows[dataset.faults[rows] == 0]
        if len(rows):
            pixels = load_image(images, dataset.file_names[image])
            height, width = pixels.shape[:2]
            yield Photo(pixels, pixel_boxes(dataset, rows, width, height))


def mask_rcnn() -> Any:
    """Return a function of a photo: torchvision's Mask R-CNN, but for its detector."""
    from torchvision.models.detection import maskrcnn_resnet50_fpn
    from torchvision.models.detection.roi_heads import maskrcnn_inference, paste_masks_in_image

    model = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None).eval()

    def ask(photo: Photo) -> None:
        image = torch.from_numpy(photo.pixels).permute(2, 0, 1) / 255
        boxes = torch.from_numpy(photo.boxes).float()
        images, targets = model.transform([image], [{"boxes": boxes}])
        scaled, heads = [targets[0]["boxes"]], model.roi_heads
        pooled = heads.mask_roi_pool(model.backbone(images.tensors), scaled, images.image_sizes)
        logits = heads.mask_predictor(heads.mask_head(pooled))
        masks = maskrcnn_inference(logits, [torch.ones(len(boxes), dtype=torch.int64)])
        paste_masks_in_image(masks[0], boxes, photo.pixels.shape[:2])

    return ask


def tiny_vit() -> Any:
    """Return a function of a photo: an image encoder of MobileSAM's kind, which sees it whole."""
    import timm

    model: Any = timm.create_model("tiny_vit_5m_224", pretrained=False, num_classes=0).eval()

    def ask(photo: Photo) -> None:
        image = torch.from_numpy(photo.pixels).permute(2, 0, 1)[None] / 255
        model.forward_features(torch.nn.functional.interpolate(image, (SAM_SIDE, SAM_SIDE)))

    return ask


def mobile_sam() -> Any:
    """Return a function of a photo: MobileSAM itself; ImportError where it is not installed."""
    from mobile_sam import SamPredictor, sam_model_registry

    predictor = SamPredictor(sam_model_registry["vit_t"](checkpoint=None).eval())

    def ask(photo: Photo) -> None:
        predictor.set_image(photo.pixels)
        for box in photo.boxes:
            predictor.predict(box=box, multimask_output=False)

    return ask


RIVALS = {
    "Mask R-CNN's branch": mask_rcnn,
    "TinyViT-5M alone": tiny_vit,
    "MobileSAM": mobile_sam,
}


def print_rivals(boxes: Path, images: Path, ours: float | None = None) -> None:
    """Print what each rival needs for a box, against what a whole run of ours needs, in seconds."""
    photos = list(photos_of(boxes, images))
    count = sum(len(photo.boxes) for photo in photos)
    print(f"rivals, {count / len(photos):.1f} boxes an image")
    torch.set_num_threads(1)
    for name, make in RIVALS.items():
        try:
            ask = make()
        except ImportError:
            print(f"  {name:20} is not installed")
            continue
        with torch.inference_mode():
            each = _seconds(ask, photos) / count
        times = "" if ours is None else f", {each / ours:6.1f} times ours"
        print(f"  {name:20} {1000 * each:9.1f} ms a box{times}", flush=True)


def _seconds(ask: Any, photos: list[Photo]) -> float:
    ask(photos[0])  # warms up
    started = time.process_time()
    for photo in photos:
        ask(photo)
    return time.process_time() - started


def main() -> None:
    """Print the rivals alone."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("boxes", type=Path)
    parser.add_argument("--images", type=Path, required=True)
    options = parser.parse_args()
    print_rivals(options.boxes, options.images)


if __name__ == "__main__":
    main()
