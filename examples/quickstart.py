"""Draw pictures, train a tiny network on some shapes, mask the boxes of other shapes, prove it.

    python examples/quickstart.py [FOLDER]

Takes about two minutes on two cores. The network learns from rectangles, triangles, stars, blobs,
hearts and crescents; the discs, rings and bars that it then masks, often crossing or touching, are
new to it. Its masks are scored against the truth, which is known exactly.
"""

import shlex
import subprocess
import sys
from pathlib import Path

SHAPES = Path(__file__).with_name("shapes.py")


def step(*command: str) -> None:
    """Show a command as a user would type it, and run it with this very Python."""
    print("\n$ " + shlex.join(command), flush=True)
    head = [sys.executable, "-m", "boxmask"] if command[0] == "boxmask" else [sys.executable]
    subprocess.run([*head, *command[1:]], check=True)


def main(folder: Path) -> None:
    """Run the whole road: pictures, training, masks, proof, score."""
    seen, unseen, out = folder / "seen", folder / "unseen", folder / "masks.json"
    for target, kinds, images, seed in (
        (seen, "train", "300", "1"),
        (unseen, "test", "40", "2"),
    ):
        options = ("--images", images, "--seed", seed, "--kinds", kinds)
        step("python", str(SHAPES), str(target), *options)
    step(
        *("boxmask", "train", str(seen / "instances.json"), "--images", str(seen / "images")),
        *("--seen", "all", "--preset", "tiny", "--out", str(folder / "run")),
    )
    boxes, truth = str(unseen / "boxes.json"), str(unseen / "instances.json")
    step(
        *("boxmask", "annotate", boxes, "--images", str(unseen / "images")),
        *("--weights", str(folder / "run" / "last.safetensors"), "--out", str(out)),
    )
    step("boxmask", "check", boxes, str(out))
    step("boxmask", "eval", truth, str(out), "--baseline", "box", "--baseline", "ellipse")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "quickstart"))
