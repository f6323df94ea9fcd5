"""Cascade R-CNN: three box heads, each on the boxes of the one before and asking for a better fit.

Classes are averaged over the heads, sides are moved by the same rule for all classes.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import batched_nms, clip_boxes_to_image, remove_small_boxes

from boxmask.models.detectors.detector import MOST, Detections, Detector, DetectorSizes, Truth
from boxmask.models.detectors.faster_rcnn import (
    WIDENING,
    build_box_head,
    build_pool,
    build_rpn,
    empty_boxes,
)
from boxmask.models.detectors.torchvision_forms import PixelFrame, by_name, in_float

_IOUS = (0.5, 0.6, 0.7)  # from which on a box is one of an object, by head
_SHARES = (1.0, 0.5, 0.25)  # of the heads' losses
_WEIGHTS = ((10.0, 10.0, 5.0, 5.0), (20.0, 20.0, 10.0, 10.0), (30.0, 30.0, 15.0, 15.0))
_BACKGROUND = 1  # classes before ours
_BETA = 1.0  # of the smooth L1 of the sides
_LEAST_SCORE, _LEAST_SIDE, _NMS = 0.05, 1e-2, 0.5

Boxes = list[Tensor]  # one (n, 4) a view


class CascadeRCNN(Detector):
    """Proposals and three heads, whose sampling and matching are torchvision's."""

    def __init__(self, sizes: DetectorSizes) -> None:
        super().__init__()
        self.finest = sizes.strides[0]
        self.rpn = build_rpn(sizes)
        self.heads = nn.ModuleList(
            _build_head(sizes, iou, weights) for iou, weights in zip(_IOUS, _WEIGHTS, strict=True)
        )

    def forward(self, stage: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Propose everywhere, and read as many boxes as there are proposals in each head."""
        self.rpn.head(stage)
        read = empty_boxes(stage)
        return [head.box_predictor(head.box_head(read)) for head in self._in_a_row()]

    def losses(self, stages: Sequence[list[Tensor]], truth: Truth) -> dict[str, Tensor]:
        """Return the losses of the proposals, and the shares of those of the heads."""
        levels = in_float(stages[-1])
        frame = PixelFrame.of(levels[0], self.finest, truth.extents)
        targets = frame.targets(truth, first=_BACKGROUND)
        boxes, proposed = self.rpn(frame.images, by_name(levels), targets)
        sums = {"class": levels[0].new_zeros(()), "box": levels[0].new_zeros(())}
        for head, share in zip(self._in_a_row(), _SHARES, strict=True):
            boxes, _, labels, wanted = head.select_training_samples(boxes, targets)
            scores, moves = _read(head, levels, boxes, frame)
            of_class, of_box = _losses(scores, moves, torch.cat(labels), torch.cat(wanted))
            sums = {"class": sums["class"] + share * of_class, "box": sums["box"] + share * of_box}
            boxes = _moved(head, moves.detach(), boxes, frame)
        return {
            "objectness": proposed["loss_objectness"],
            "proposal": proposed["loss_rpn_box_reg"],
            **sums,
        }

    def detect(self, stage: list[Tensor], extents: Tensor) -> Detections:
        """Find boxes: moved by all heads, scored by their mean."""
        levels = in_float(stage)
        frame = PixelFrame.of(levels[0], self.finest, extents)
        boxes, _ = self.rpn(frame.images, by_name(levels))
        scores: list[Tensor] = []
        for head in self._in_a_row():
            said, moves = _read(head, levels, boxes, frame)
            scores.append(said.softmax(dim=1))
            boxes = _moved(head, moves, boxes, frame)
        mean = torch.split(torch.stack(scores).mean(dim=0), [len(one) for one in boxes])
        found = [_best(one, score) for one, score in zip(boxes, mean, strict=True)]
        return frame.detections(found, first=_BACKGROUND)

    def _in_a_row(self) -> list[RoIHeads]:
        return list(self.heads)


def _build_head(sizes: DetectorSizes, iou: float, weights: tuple[float, ...]) -> RoIHeads:
    """Build one head, whose four numbers of a box are those of all classes."""
    predictor = FastRCNNPredictor(WIDENING * sizes.hidden, sizes.classes + _BACKGROUND)
    predictor.bbox_pred = nn.Linear(WIDENING * sizes.hidden, 4)
    return RoIHeads(
        *(build_pool(), build_box_head(sizes), predictor),
        fg_iou_thresh=iou,
        bg_iou_thresh=iou,
        batch_size_per_image=sizes.samples,
        positive_fraction=0.25,
        bbox_reg_weights=weights,
        score_thresh=_LEAST_SCORE,
        nms_thresh=_NMS,
        detections_per_img=MOST,
    )


def _read(
    head: RoIHeads, levels: list[Tensor], boxes: Boxes, frame: PixelFrame
) -> tuple[Tensor, Tensor]:
    """Return the class scores and the moves (n, 4) of the boxes of all views."""
    read = head.box_roi_pool(by_name(levels), boxes, frame.images.image_sizes)
    said: tuple[Tensor, Tensor] = head.box_predictor(head.box_head(read))
    return said


def _losses(scores: Tensor, moves: Tensor, labels: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Return the losses of one head, means over its boxes, as torchvision's are."""
    objects = labels > 0
    distance = F.smooth_l1_loss(moves[objects], wanted[objects], beta=_BETA, reduction="sum")
    return F.cross_entropy(scores, labels), distance / max(1, len(labels))


def _moved(head: RoIHeads, moves: Tensor, boxes: Boxes, frame: PixelFrame) -> Boxes:
    """Move the boxes of each view as a head says, cut to their image."""
    decoded = head.box_coder.decode(moves, boxes).reshape(-1, 4)
    moved = torch.split(decoded, [len(one) for one in boxes])
    return [
        clip_boxes_to_image(one, size)
        for one, size in zip(moved, frame.images.image_sizes, strict=True)
    ]


def _best(boxes: Tensor, scores: Tensor) -> dict[str, Tensor]:
    """Choose the best boxes of one view by score and overlap, each class for itself."""
    box, label = (scores[:, _BACKGROUND:] > _LEAST_SCORE).nonzero().unbind(dim=1)
    boxes, scores = boxes[box], scores[box, label + _BACKGROUND]
    large = remove_small_boxes(boxes, _LEAST_SIDE)
    keep = large[batched_nms(boxes[large], scores[large], label[large], _NMS)[:MOST]]
    return {"boxes": boxes[keep], "scores": scores[keep], "labels": label[keep] + _BACKGROUND}
