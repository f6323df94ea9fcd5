"""Faster R-CNN, Deep-MARC's detector: torchvision's RPN, box head and losses.

Its masks are not torchvision's: they are learnt on true boxes alone, as Deep-MARC's are.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import MultiScaleRoIAlign

from boxmask.models.detectors.detector import (
    MOST,
    Detections,
    Detector,
    DetectorSizes,
    Positives,
    Truth,
)
from boxmask.models.detectors.torchvision_forms import PixelFrame, by_name, in_float

_RATIOS = (0.5, 1.0, 2.0)
_LEVELS = ("0", "1", "2", "3")  # that boxes are read from; the coarsest only proposes
_PROPOSALS = 1000
_CELLS = 7  # of a box's features, each way
WIDENING = 4  # from the hidden channels to the numbers of a box: 256 to 1024
_BACKGROUND = 1  # classes before ours


def build_rpn(sizes: DetectorSizes) -> RegionProposalNetwork:
    """Build the network that proposes boxes, as published."""
    sides = tuple((sizes.anchor * stride,) for stride in sizes.strides)
    anchors = AnchorGenerator(sides, (_RATIOS,) * len(sides))
    return RegionProposalNetwork(
        anchors,
        RPNHead(sizes.channels, anchors.num_anchors_per_location()[0]),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_top_n={"training": 2000, "testing": 1000},
        post_nms_top_n={"training": _PROPOSALS, "testing": _PROPOSALS},
        nms_thresh=0.7,
    )


def build_pool() -> MultiScaleRoIAlign:
    """Build what reads the features of boxes from the pyramid."""
    return MultiScaleRoIAlign(list(_LEVELS), output_size=_CELLS, sampling_ratio=2)


def build_box_head(sizes: DetectorSizes) -> TwoMLPHead:
    """Build the two dense layers over a box's features."""
    return TwoMLPHead(sizes.channels * _CELLS**2, WIDENING * sizes.hidden)


def empty_boxes(stage: list[Tensor]) -> Tensor:
    """Return what is read of as many boxes as are proposed, without its values."""
    return stage[0].new_empty((_PROPOSALS, stage[0].shape[1], _CELLS, _CELLS))


def row_sizes(hidden: int) -> tuple[int, int]:
    """Return how many numbers a class has in the classifier and in the regressor."""
    return WIDENING * hidden, 4 * WIDENING * hidden


class FasterRCNN(Detector):
    """Proposals, and a head that says what is in each and where exactly."""

    def __init__(self, sizes: DetectorSizes) -> None:
        super().__init__()
        self.finest = sizes.strides[0]
        self.rpn = build_rpn(sizes)
        self.boxes = RoIHeads(
            build_pool(),
            build_box_head(sizes),
            FastRCNNPredictor(WIDENING * sizes.hidden, sizes.classes + _BACKGROUND),
            fg_iou_thresh=0.5,
            bg_iou_thresh=0.5,
            batch_size_per_image=sizes.samples,
            positive_fraction=0.25,
            bbox_reg_weights=None,
            score_thresh=0.05,
            nms_thresh=0.5,
            detections_per_img=MOST,
        )

    def forward(self, stage: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Propose everywhere, and read as many boxes as there are proposals."""
        self.rpn.head(stage)
        read = self.boxes.box_head(empty_boxes(stage))
        said: tuple[Tensor, Tensor] = self.boxes.box_predictor(read)
        return said

    def learn(
        self, stages: Sequence[list[Tensor]], truth: Truth
    ) -> tuple[dict[str, Tensor], Positives]:
        """Return torchvision's four losses, and of the boxes that they are of those that hit."""
        levels = in_float(stages[-1])
        frame = PixelFrame.of(levels[0], self.finest, truth.extents)
        targets = frame.targets(truth, first=_BACKGROUND)
        proposals, proposed = self.rpn(frame.images, by_name(levels), targets)
        boxes, hits, labels, wanted = self.boxes.select_training_samples(proposals, targets)
        read = self.boxes.box_roi_pool(by_name(levels), boxes, frame.images.image_sizes)
        said = self.boxes.box_predictor(self.boxes.box_head(read))
        of_class, of_box = fastrcnn_loss(*said, labels, wanted)
        terms = {
            "objectness": proposed["loss_objectness"],
            "proposal": proposed["loss_rpn_box_reg"],
            "class": of_class,
            "box": of_box,
        }
        return terms, _positives(boxes, hits, labels, targets, frame, truth)

    def class_rows(self) -> Tensor:
        """Return the weights (classes, D) of the classifier and, behind, of the regressor."""
        predictor = self.boxes.box_predictor
        scores, sides = predictor.cls_score.weight, predictor.bbox_pred.weight
        rows = torch.cat([scores, sides.reshape(len(scores), -1)], dim=1)
        return rows[_BACKGROUND:]

    def detect(self, stage: list[Tensor], extents: Tensor) -> Detections:
        """Find boxes by torchvision's rules: a score of 0.05, an IoU of 0.5 between boxes."""
        levels = in_float(stage)
        frame = PixelFrame.of(levels[0], self.finest, extents)
        proposals, _ = self.rpn(frame.images, by_name(levels))
        found, _ = self.boxes(by_name(levels), proposals, frame.images.image_sizes)
        return frame.detections(found, first=_BACKGROUND)


def _positives(
    boxes: list[Tensor],
    hits: list[Tensor],
    labels: list[Tensor],
    targets: list[dict[str, Tensor]],
    frame: PixelFrame,
    truth: Truth,
) -> Positives:
    """Return the boxes of each view that hit one whose mask is asked for."""
    chosen, views, places = [], [], []
    for view, (own, hit, label, target) in enumerate(
        zip(boxes, hits, labels, targets, strict=True)
    ):
        objects = label > 0
        rows = target["rows"][hit[objects]]
        asked = torch.full_like(rows, -1) if truth.asked is None else truth.asked[rows]
        chosen.append(own[objects][asked >= 0])
        places.append(asked[asked >= 0])
        views.append(torch.full_like(places[-1], view))
    return Positives(frame.fractions(torch.cat(chosen)), torch.cat(views), torch.cat(places))
