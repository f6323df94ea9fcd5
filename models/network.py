"""The network: every family answers the same question, a mask and its expected IoU for each box.

Shapes: V views, N boxes, M mask side.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from boxmask.errors import ConfigError
from boxmask.models.backbones import build_backbone
from boxmask.models.backbones.spinenet import SpineNet
from boxmask.models.backbones.trunk import Backbone
from boxmask.models.config import ModelConfig
from boxmask.models.detectors import (
    DETECTORS,
    Detections,
    Detector,
    DetectorSizes,
    Positives,
    Truth,
    build_detector,
)
from boxmask.models.detectors.faster_rcnn import row_sizes
from boxmask.models.heads import Answer, Aside, Classes, HeadSizes, build_head
from boxmask.models.norm import use_constants_of_spinenet, use_paper_momentum
from boxmask.models.normalise import Normalise
from boxmask.models.quality import QualityHead, judged
from boxmask.models.regions import EmbeddingRegion, PyramidRegion, Region, WindowRegion
from boxmask.models.views import Views
from boxmask.models.warm_start import copy_parts


def build(config: ModelConfig, *, pretrained: bool = False) -> "MaskNetwork":
    """Build the network of `config`; `pretrained` starts its backbone from ImageNet weights."""
    backbone = build_backbone(config, pretrained=pretrained)
    if config.window_masks:
        backbone.add_hint_layer()
    sizes = head_sizes(config, fine=backbone.fine_channels if config.window_masks else 0)
    *earlier, region = (_build_region(config, backbone) for _ in range(backbone.stages))
    branches = [*map(Branch, earlier), LastBranch(region, build_head(config.head, sizes))]
    quality = QualityHead(config.quality_channels) if config.quality else None
    network = MaskNetwork(
        config,
        backbone=backbone,
        branches=branches,
        quality=quality,
        detector=_build_detector(config, backbone),
    )
    if isinstance(backbone, SpineNet):
        use_constants_of_spinenet(network)
    if config.norm_momentum == "paper":
        use_paper_momentum(network)
    return network


def _build_detector(config: ModelConfig, backbone: Backbone) -> Detector | None:
    """Build the detector that a config names, if any; as long as it has no classes, of one."""
    _check_classes(config)
    if config.detector is None:
        return None
    if len(config.classes) != len(config.class_ids):
        raise ConfigError(
            f"the model has {len(config.classes)} classes and {len(config.class_ids)} class_ids; "
            "leave both out, training fills them in."
        )
    sizes = DetectorSizes(
        channels=backbone.channels,
        stages=backbone.stages,
        classes=max(1, len(config.classes)),
        hidden=config.embedding_channels,
        strides=backbone.strides,
        finest=config.fcos_stride,
        anchor=config.anchor_cells,
        samples=config.box_samples,
        square=config.center_square,
        layers=config.center_layers,
    )
    return build_detector(config.detector, config.family, sizes)


def _check_classes(config: ModelConfig) -> None:
    """Raise a ConfigError for a head that asks what boxes are if nothing tells classes apart."""
    finders = ("faster-rcnn",) if config.head == "maskx" else tuple(DETECTORS)
    if config.by_class and config.detector not in finders:
        raise ConfigError(
            f"head {config.head} asks what a box is; set model.detector to "
            f"{' or '.join(finders)}, not {config.detector}."
        )


def head_sizes(config: ModelConfig, *, fine: int = 0) -> HeadSizes:
    """Return what the mask head of a config takes and makes."""
    cls, box = row_sizes(config.embedding_channels)
    return HeadSizes(
        inputs=config.region_channels,
        base=config.head_channels,
        crop=config.crop_size,
        mask=config.mask_size,
        fine=fine,
        classes=max(1, len(config.classes)),
        cls=cls,
        box=box,
        transfer=config.transfer,
    )


def _build_region(config: ModelConfig, backbone: Backbone) -> Region:
    """Build the region for a stage of the backbone."""
    if config.family == "deepmarc":
        return PyramidRegion(config, backbone.strides)
    return (WindowRegion if config.window_masks else EmbeddingRegion)(config, backbone.channels)


class Prediction(NamedTuple):
    """What a network answers, all float32."""

    logits: Tensor
    """Mask logits (N,M,M)."""
    quality: Tensor
    """Expected IoU (N,), 0 to 1."""
    quality_logits: Tensor
    """The same before the sigmoid."""
    auxiliary: tuple[Tensor, ...] = ()
    """Mask logits of the earlier stages of a stacked backbone, while training."""
    asides: tuple[Aside, ...] = ()
    """What heads say beside their masks, while training."""
    detection: dict[str, Tensor] | None = None
    """The detector's losses by name, where it was shown the truth."""
    positives: Positives | None = None
    """What the masks are of, where they are of proposals."""


class Branch(nn.Module):
    """The region that looks at one stage of the backbone."""

    def __init__(self, region: Region) -> None:
        super().__init__()
        self.region = region

    def forward(
        self, maps: Any, boxes: Tensor, index: Tensor, hints: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Return what the mask head takes, the crops (N,C,R,R) first."""
        inputs: tuple[Tensor, ...] = self.region(maps, boxes, index, hints)
        return inputs


class LastBranch(Branch):
    """The branch of the last stage, and the mask head, which serves the earlier ones as well."""

    def __init__(self, region: Region, head: nn.Module) -> None:
        super().__init__(region)
        self.head = head

    def answer(self, inputs: tuple[Tensor, ...], classes: tuple[Classes, ...] = ()) -> Answer:
        """Return the mask logits (N,M,M) for what a branch gives, and what is said beside them."""
        found = self.head(*inputs, *classes)
        logits, asides = found if isinstance(found, Answer) else (found, ())
        return Answer(logits.float(), asides)


class MaskNetwork(nn.Module):
    """A backbone, a branch per stage of it, heads on the last branch, perhaps a detector."""

    def __init__(
        self,
        config: ModelConfig,
        *,
        backbone: Backbone,
        branches: Sequence[Branch],
        quality: QualityHead | None,
        detector: Detector | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.normalise = Normalise(backbone.scale)
        self.backbone = backbone
        self.branches = nn.ModuleList(branches)
        self.quality = quality
        self.detector = detector
        self.estimates = True  # False for graphs: who computes them makes the estimate

    @property
    def last_branch(self) -> LastBranch:
        """The branch that predicts."""
        return cast(LastBranch, self.branches[-1])

    def forward(
        self, views: Views, *, box_chunk: int | None = None, truth: Truth | None = None
    ) -> Prediction:
        """Predict the masks of all boxes; `box_chunk` bounds how many are in memory at once.

        Chunks are for inference: while training they would be batches of their own to the norms.
        With the `truth` of the views, the detector says how wrong it is.
        """
        if len(views) == 0 and truth is None:
            return self._empty_prediction()
        if self.config.view_per_box and box_chunk is not None:
            return _concatenate([self._predict(part, len(part)) for part in views.split(box_chunk)])
        return self._predict(views, box_chunk or len(views), truth)

    def detect(self, views: Views, extents: Tensor) -> Detections:
        """Find boxes in views whose images fill `extents` (V,2) of them."""
        assert self.detector is not None
        return self.detector.detect(self._stages(views)[-1], extents)

    def start_from(self, other: nn.Module) -> None:
        """Take the weights of a network that may lack the detector: that one is new then."""
        copy_parts(self, other, optional=("detector",))

    def _stages(self, views: Views) -> Any:
        """Look at the views: the stages of the backbone."""
        pixels = self.normalise(views.pixels)
        # Only networks of window masks see anything besides the pixels.
        hints = () if views.hints is None else (views.hints,)
        return self.backbone(pixels, *hints)

    def _predict(self, views: Views, chunk: int, truth: Truth | None = None) -> Prediction:
        stages = self._stages(views)
        if truth is None or self.detector is None:
            return self._predict_masks(stages, views, chunk)
        detection, positives = self.detector.learn(stages, truth)
        if truth.asked is None or positives is None:
            return self._predict_masks(stages, views, chunk)._replace(detection=detection)
        labels = None if views.labels is None else views.labels[positives.asked]
        views = replace(views, boxes=positives.boxes, index=positives.views, labels=labels)
        prediction = self._predict_masks(stages, views, max(1, len(views)))
        return prediction._replace(detection=detection, positives=positives)

    def _predict_masks(self, stages: Any, views: Views, chunk: int) -> Prediction:
        if len(views) == 0:
            return self._empty_prediction()
        # Only the last stage predicts outside training; the earlier ones help it to learn.
        first = 0 if self.training else len(stages) - 1
        branches = cast(list[Branch], list(self.branches)[first:])
        maps = [
            branch.region.per_view(stage)
            for branch, stage in zip(branches, stages[first:], strict=True)
        ]
        spans = [slice(start, start + chunk) for start in range(0, len(views), chunk)]
        return _concatenate([self._predict_boxes(branches, maps, views, span) for span in spans])

    def _predict_boxes(
        self, branches: Sequence[Branch], maps: Sequence[Any], views: Views, span: slice
    ) -> Prediction:
        boxes, index = views.boxes[span], views.index[span]
        inputs = [
            branch(seen, boxes, index, views.hints)
            for branch, seen in zip(branches, maps, strict=True)
        ]
        crops = inputs[-1][0]
        classes = self._classes(views, span)
        answers = [self.last_branch.answer(given, classes) for given in inputs]
        *earlier, logits = (answer.logits for answer in answers)
        quality_logits = judged(self.quality, crops, logits, estimates=self.estimates)
        asides = tuple(aside for answer in answers for aside in answer.asides)
        return Prediction(logits, quality_logits.sigmoid(), quality_logits, tuple(earlier), asides)

    def _classes(self, views: Views, span: slice) -> tuple[Classes, ...]:
        """Return what is known of the classes of boxes, if the head asks what a box is."""
        if not self.config.by_class:
            return ()
        assert views.labels is not None and self.detector is not None
        return (Classes(views.labels[span], self.detector.class_rows()),)

    def _empty_prediction(self) -> Prediction:
        side = self.config.mask_size
        # Tied to the parameters, so that a loss over no boxes has gradients, all of them zero:
        # processes that train together wait for the gradient of each.
        tied = self.parameters() if self.training else [next(self.branches.parameters())]
        zero = 0 * torch.stack([parameter.sum() for parameter in tied]).sum()
        logits = zero.expand(0, side, side)
        auxiliary = (logits,) * (len(self.branches) - 1 if self.training else 0)
        return Prediction(logits, zero.expand(0), zero.expand(0), auxiliary)


def _concatenate(parts: Sequence[Prediction]) -> Prediction:
    """Put the predictions of consecutive boxes together."""
    if len(parts) == 1:
        return parts[0]
    auxiliary = zip(*(part.auxiliary for part in parts), strict=True)
    return Prediction(
        torch.cat([part.logits for part in parts]),
        torch.cat([part.quality for part in parts]),
        torch.cat([part.quality_logits for part in parts]),
        tuple(torch.cat(stage) for stage in auxiliary),
    )
