"""Cut-outs pasted over a scene: new neighbours, and objects that hide one another.

Shapes: h w the cut-out's window. What is pasted is an instance of its own; masks below it lose
the pixels it hides, and their boxes hug what is left.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from boxmask.train.data.scene import Instance, Pixels, Scene
from boxmask.window import Window

Random = np.random.Generator

_LEAST_LEFT = 0.35  # of a mask: what is hidden more than this is no fair question
_LARGEST_ZOOM = 1.5  # a cut-out enlarged more is only blur
_SPREAD = 0.75  # how far from the middle cut-outs lie: 1 is beside, and touching
_CLOSER = 0.4  # likewise for rigid ones, which are thin and are to cross one another


@dataclass(frozen=True, eq=False)
class Cutout:
    """An object without its background."""

    image: Pixels  # (h, w, 3)
    alpha: npt.NDArray[np.uint8]  # (h, w), 255 inside
    name: str
    label: int = -1
    rigid: bool = False  # it has the size it should have in the scene

    def resized(self, scale: float, *, mirror: bool) -> "Cutout":
        """Return it at another size, mirrored or not."""
        height, width = self.alpha.shape
        size = (max(2, round(width * scale)), max(2, round(height * scale)))
        image, alpha = (
            np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
            for pixels in (self.image, self.alpha)
        )
        step = -1 if mirror else 1
        return replace(self, image=image[:, ::step], alpha=alpha[:, ::step])


def paste_cutout(scene: Scene, cutout: Cutout, *, x: int, y: int) -> Scene | None:
    """Put a cut-out at a corner (x, y) that may lie outside; None if it would hide too much."""
    height, width = scene.image.shape[:2]
    left, top = max(0, x), max(0, y)
    right = min(width, x + cutout.alpha.shape[1])
    bottom = min(height, y + cutout.alpha.shape[0])
    if left >= right or top >= bottom:
        return None
    inside = np.s_[top - y : bottom - y, left - x : right - x]
    mask = Window(left, top, cutout.alpha[inside].T > 127)
    pasted = mask.trimmed()
    if pasted is None or pasted.bits.sum() < _LEAST_LEFT * (cutout.alpha > 127).sum():
        return None
    behind = [(one, one.without(mask)) for one in scene.instances]
    if any(left is None or _hidden(one, left) for one, left in behind):
        return None
    image = scene.image.copy()
    share = cutout.alpha[inside][..., None] / np.float32(255)
    below = image[top:bottom, left:right].astype(np.float32)
    image[top:bottom, left:right] = below + share * (cutout.image[inside] - below)
    kept = tuple(left for _, left in behind if left is not None)
    one = Instance(pasted.box(), pasted, cutout.name, cutout.label)
    return replace(scene, image=image, instances=(*kept, one))


def paste_at_random(
    scene: Scene, cutout: Cutout, *, around: tuple[float, float, float], random: Random
) -> Scene:
    """Paste at a drawn size and place near (x, y), where `side` is the scale of things there."""
    x, y, side = around
    height, width = cutout.alpha.shape
    scale = side * np.exp(random.uniform(np.log(0.35), np.log(1.25))) / np.sqrt(height * width)
    scale = 1.0 if cutout.rigid else min(float(scale), _LARGEST_ZOOM)
    cutout = cutout.resized(scale, mirror=random.random() < 0.5)
    height, width = cutout.alpha.shape
    spread = _CLOSER if cutout.rigid else _SPREAD
    dx, dy = random.uniform(-spread, spread, 2) * (side + np.array([width, height])) / 2
    corner = (round(x + dx - width / 2), round(y + dy - height / 2))
    return paste_cutout(scene, cutout, x=corner[0], y=corner[1]) or scene


def _hidden(before: Instance, after: Instance) -> bool:
    if before.mask is None or after.mask is None:
        return False
    return bool(after.mask.bits.sum() < _LEAST_LEFT * before.mask.bits.sum())
