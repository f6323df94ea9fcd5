"""FCOS by torchvision: every cell says how far the sides of its object are, and how central it is.

It looks at the levels from stride 8 on, as published, of which SpineNet's pyramid has five and that
of a ResNet four; or from stride 4 on, without which small and crossing objects of small views hold
no cell that they could be learnt at.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOS

from boxmask.errors import ConfigError
from boxmask.models.detectors.detector import MOST, Detections, Detector, DetectorSizes, Truth
from boxmask.models.detectors.torchvision_forms import PixelFrame, in_float

_GROUPS = 32  # of channels that its norms take together
_SCORE = 0.05  # torchvision's 0.2 is for looking at, and costs AP


class FCOSDetector(Detector):
    """torchvision's FCOS without its backbone and its resizing."""

    def __init__(self, sizes: DetectorSizes) -> None:
        super().__init__()
        if sizes.channels % _GROUPS:
            raise ConfigError(
                f"feature_channels is {sizes.channels}; fcos needs a multiple of {_GROUPS}."
            )
        backbone = nn.Identity()
        backbone.out_channels = sizes.channels  # type: ignore[assignment]  # torchvision asks so
        strides = [stride for stride in sizes.strides if stride >= sizes.finest]
        self.finest = sizes.strides[0]
        self.first = len(sizes.strides) - len(strides)  # of the levels
        anchors = AnchorGenerator(tuple((side,) for side in strides), ((1.0,),) * len(strides))
        self.fcos = FCOS(
            backbone,
            sizes.classes,
            anchor_generator=anchors,
            score_thresh=_SCORE,
            detections_per_img=MOST,
        )

    def forward(self, stage: list[Tensor]) -> dict[str, Tensor]:
        """Run the head on the levels that it looks at."""
        said: dict[str, Tensor] = self.fcos.head(stage[self.first :])
        return said

    def losses(self, stages: Sequence[list[Tensor]], truth: Truth) -> dict[str, Tensor]:
        """Return torchvision's three losses."""
        levels = in_float(stages[-1][self.first :])
        frame = PixelFrame.of(stages[-1][0], self.finest, truth.extents)
        anchors = self.fcos.anchor_generator(frame.images, levels)
        found: dict[str, Tensor] = self.fcos.compute_loss(
            frame.targets(truth, first=0), self.fcos.head(levels), anchors, _cells(levels)
        )
        return {
            "class": found["classification"],
            "box": found["bbox_regression"],
            "central": found["bbox_ctrness"],
        }

    def detect(self, stage: list[Tensor], extents: Tensor) -> Detections:
        """Find boxes by torchvision's rules: an IoU of 0.6 between boxes."""
        levels = in_float(stage[self.first :])
        frame = PixelFrame.of(stage[0], self.finest, extents)
        cells = _cells(levels)
        said = {
            name: list(values.split(cells, dim=1))
            for name, values in self.fcos.head(levels).items()
        }
        anchors = self.fcos.anchor_generator(frame.images, levels)
        split = [list(one.split(cells)) for one in anchors]
        found = self.fcos.postprocess_detections(said, split, frame.images.image_sizes)
        return frame.detections(found, first=0)


def _cells(levels: Sequence[Tensor]) -> list[int]:
    """Count the cells of each level."""
    return [level.shape[2] * level.shape[3] for level in levels]
