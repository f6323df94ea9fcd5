"""Draw pictures, train a detector on them, and measure what it finds in pictures it never saw.

    python examples/detectors.py [FOLDER] --detector fcos

Pictures of four kinds of shapes, textured, touching and crossing, teach boxes and masks from
nothing but ImageNet features. Prints the AP of masks and boxes that are found, and of the masks
of true boxes, as pycocotools measures them. `--seen disc,ring` learns the masks of these alone.
"""

import argparse
import shlex
import subprocess
import sys
import time
from pathlib import Path

SHAPES = Path(__file__).with_name("shapes.py")
KINDS = "disc,ring,bar,star"
# A detector of the same family as a preset is trained by that preset.
PRESETS = {"centernet": "tiny-centernet"}


def step(*command: str) -> None:
    """Show a command as a user would type it, and run it with this very Python."""
    print("\n$ " + shlex.join(command), flush=True)
    head = [sys.executable, "-m", "boxmask"] if command[0] == "boxmask" else [sys.executable]
    subprocess.run([*head, *command[1:]], check=True)


def main(folder: Path, detector: str, *, seen: str, steps: int, threads: str) -> None:
    """Draw, train, measure."""
    train, test, run = folder / "train", folder / "test", folder / detector
    for target, images, seed in ((train, "800", "1"), (test, "60", "2")):
        options = ("--images", images, "--seed", seed, "--side", "128", "--kinds", KINDS)
        step("python", str(SHAPES), str(target), *options)
    preset = PRESETS.get(detector, "tiny-faster-rcnn")
    began = time.monotonic()
    step(
        *("boxmask", "train", str(train / "instances.json"), "--images", str(train / "images")),
        *("--preset", preset, "--set", f"model.detector={detector}", "--seen", seen),
        *("--steps", str(steps), "--out", str(run), "--threads", threads),
    )
    print(f"trained in {(time.monotonic() - began) / 60:.0f} minutes")
    splits = () if seen == "all" else ("--seen", seen)
    step(
        *("boxmask", "eval", str(test / "instances.json"), "--detections", *splits),
        *("--weights", str(run / "last.safetensors"), "--images", str(test / "images")),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train and measure a detector on drawn shapes.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("detectors"))
    parser.add_argument("--detector", default="fcos", help="centernet, faster-rcnn, cascade, fcos")
    parser.add_argument("--seen", default="all", help="the kinds whose masks are learnt")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--threads", default="2", help="of the CPU")
    given = parser.parse_args()
    main(given.folder, given.detector, seen=given.seen, steps=given.steps, threads=given.threads)
