"""Detectors by name: a network that has one finds boxes of its classes and masks them.

A detector of your own is a file with a `Detector` and one line of DETECTORS.
"""

from boxmask.errors import ConfigError
from boxmask.models.detectors.cascade import CascadeRCNN
from boxmask.models.detectors.centernet import CenterNet
from boxmask.models.detectors.detector import (
    Detections,
    Detector,
    DetectorSizes,
    DetectorType,
    Positives,
    Truth,
)
from boxmask.models.detectors.faster_rcnn import FasterRCNN
from boxmask.models.detectors.fcos import FCOSDetector

__all__ = [
    "DETECTORS",
    "Detections",
    "Detector",
    "DetectorSizes",
    "Positives",
    "Truth",
    "build_detector",
]

DETECTORS: dict[str, DetectorType] = {
    "cascade": DetectorType(CascadeRCNN, family="deepmarc", mean_over="images"),
    "centernet": DetectorType(CenterNet, family="deepmac", mean_over="boxes"),
    "faster-rcnn": DetectorType(FasterRCNN, family="deepmarc", mean_over="images"),
    "fcos": DetectorType(FCOSDetector, family="deepmarc", mean_over="images"),
}


def build_detector(name: str, family: str, sizes: DetectorSizes) -> Detector:
    """Build the detector `name` on features of a family."""
    if name not in DETECTORS:
        known = ", ".join(sorted(DETECTORS))
        raise ConfigError(f"no detector is called {name!r}; known detectors: {known}.")
    wanted = DETECTORS[name].family
    if family != wanted:
        raise ConfigError(
            f"the detector {name} looks at the features of family {wanted}, not {family}; choose "
            f"that family, or one of: {', '.join(_of_family(family)) or 'none'}."
        )
    return DETECTORS[name].build(sizes)


def _of_family(family: str) -> list[str]:
    return sorted(name for name, one in DETECTORS.items() if one.family == family)
