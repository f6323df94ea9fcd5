"""Train detectors, and measure what they find in pictures that they never saw.

    python examples/detectors.py [FOLDER] [--detector fcos ...] [--seen disc,ring]
    python examples/detectors.py FOLDER --train TRAIN.json --test TEST.json --images DIR --seen voc

Without --train, pictures of four kinds of shapes are drawn, textured, touching and crossing, which
teach boxes and masks from nothing but ImageNet features. Prints the AP of masks and boxes that are
found, and of the masks of true boxes, as pycocotools measures them, in the order of docs/.
Killed at any moment, the same command goes on; what is measured already is read again.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SHAPES = Path(__file__).with_name("shapes.py")
DRAWN = (
    *("--side", "128", "--kinds", "disc,ring,bar,star"),
    *("--least", "0.16", "--largest", "0.3", "--most", "5"),
)
# A detector of the same family as a preset is trained by that preset.
PRESETS = {"centernet": "tiny-centernet"}
DETECTORS = ("centernet", "fcos", "faster-rcnn", "cascade")


def step(*command: str, keep: Path | None = None) -> None:
    """Show a command as a user would type it, and run it with this very Python.

    What it prints goes to the file `keep`, if one is given, once it is whole.
    """
    print("\n$ " + shlex.join(command), flush=True)
    head = [sys.executable, "-m", "boxmask"] if command[0] == "boxmask" else [sys.executable]
    told = None if keep is None else subprocess.PIPE
    said = subprocess.run([*head, *command[1:]], check=True, stdout=told)
    if keep is not None:
        half = keep.with_suffix(".half")
        half.write_bytes(said.stdout)
        half.replace(keep)


def draw(folder: Path) -> None:
    """Draw the pictures, unless they are there."""
    for part, images, seed in (("train", "800", "1"), ("test", "60", "2")):
        if not (folder / part / "instances.json").exists():
            where = str(folder / part)
            step("python", str(SHAPES), where, "--images", images, "--seed", seed, *DRAWN)


def train(detector: str, run: Path, given: argparse.Namespace) -> None:
    """Train a detector, from where an earlier run has stopped."""
    preset = PRESETS.get(detector, "tiny-faster-rcnn")
    changes = [f"model.detector={detector}", f"model.image_size={given.size}", *given.set]
    more = ("--resume",) if (run / "log.jsonl").exists() else ()
    step(
        *("boxmask", "train", str(given.train), "--images", str(given.images)),
        *("--preset", preset, *(word for one in changes for word in ("--set", one))),
        *("--seen", given.seen, "--steps", str(given.steps), "--out", str(run)),
        *("--threads", given.threads, *more),
    )


def measure(run: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Return the AP of what a trained detector finds."""
    found = run.with_suffix(".json")
    if not found.exists():
        splits = () if given.seen == "all" else ("--seen", given.seen)
        images = given.test_images or given.images
        step(
            *("boxmask", "eval", str(given.test), "--detections", *splits, "--json", "-q"),
            *("--weights", str(run / "last.safetensors"), "--images", str(images)),
            keep=found,
        )
    report: dict[str, Any] = json.loads(found.read_text())
    return report


def rows(detector: str, steps: int, report: dict[str, Any]) -> Iterator[str]:
    """Yield the rows of the table, one a split: box AP and mask AP, found and of true boxes."""
    systems = {one["name"].removeprefix("last, "): one["splits"] for one in report["systems"]}
    for split, found in systems["last"].items():
        scored, true = (systems[name][split]["masks"] for name in ("score x IoU", "true boxes"))
        boxes, masks = found["boxes"], found["masks"]
        named = f"`{detector}`, {split}" if len(systems["last"]) > 1 else f"`{detector}`"
        figures = [boxes["AP"], boxes["AP50"], masks["AP"], masks["AP50"], scored["AP"], true["AP"]]
        yield f"| {named} | {steps:,} | " + " | ".join(map(percent, figures)) + " |"


def percent(figure: float | None) -> str:
    """Write an AP in percent; there is none of a split without objects."""
    return "-" if figure is None else f"{100 * figure:.1f}"


def main(given: argparse.Namespace) -> None:
    """Train and measure each detector; print their table."""
    folder: Path = given.folder
    if given.train is None:
        draw(folder)
        given.train, given.test = (folder / one / "instances.json" for one in ("train", "test"))
        given.images, given.test_images = folder / "train/images", folder / "test/images"
    table: list[str] = []
    for detector in given.detector or DETECTORS:
        if not (folder / f"{detector}.json").exists():
            train(detector, folder / detector, given)
        steps = json.loads((folder / detector / "config.json").read_text())["steps"]
        table += rows(detector, steps, measure(folder / detector, given))
    print("\n| detector | steps | box AP | AP50 | mask AP | AP50 | by score and IoU | true boxes |")
    print("\n".join(["|---|" + "---:|" * 7, *table]))
    spent = os.times()
    print(f"\n{(spent.children_user + spent.children_system) / 60:.1f} minutes of a core")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train and measure detectors.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("detectors"))
    parser.add_argument("--detector", action="append", choices=DETECTORS, help="all by default")
    parser.add_argument("--train", type=Path, help="COCO file with masks, in place of drawn shapes")
    parser.add_argument("--test", type=Path, help="the like, to measure on")
    parser.add_argument("--images", type=Path, help="folder of the photographs of --train")
    parser.add_argument("--test-images", type=Path, help="of --test, if it is another")
    parser.add_argument("--seen", default="all", help="the classes whose masks are learnt")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--size", type=int, default=128, help="the long side of what is seen")
    parser.add_argument("--set", action="append", default=[], help="of the recipe, FIELD=VALUE")
    parser.add_argument("--threads", default="2", help="of the CPU")
    main(parser.parse_args())
