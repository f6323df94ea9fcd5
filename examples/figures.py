"""Measure a model: the table of figures that README.md and the model card show.

    python examples/figures.py DATA [--weights FILE] [--write]

DATA holds coco/ and animals/, each with instances_val.json and images/. Every line is one
`boxmask eval`; the table goes to standard output, and with --write into both documents. About ten
minutes on two cores for 200 photographs.
"""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import boxmask

ROOT = Path(__file__).parents[1]
DOCUMENTS = (ROOT / "README.md", ROOT / "boxmask" / "weights" / "MODEL_CARD.md")
BEGIN, END = "<!-- figures: examples/figures.py -->\n", "<!-- end of figures -->\n"
HEAD = """\
| photographs | boxes | IoU of the boxes | IoU of the masks, 95 % interval | calibration error |
|---|---|---:|---:|---:|
"""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    folder: str  # in DATA
    photographs: str
    boxes: str
    loosen: float = 0.0
    flip: bool = False


COCO, ANIMALS = "COCO", "wild animals"
ROWS = (
    Row("coco", COCO, "exact"),
    Row("coco", COCO, "exact, with `--flip`", flip=True),
    Row("coco", COCO, "sides off by 5 %", loosen=0.05),
    Row("coco", COCO, "sides off by 10 %", loosen=0.1),
    Row("coco", COCO, "sides off by 20 %", loosen=0.2),
    Row("animals", ANIMALS, "exact"),
    Row("animals", ANIMALS, "exact, with `--flip`", flip=True),
)


def measured(row: Row, data: Path, weights: str, *, ellipse: bool) -> str:
    """Return a line of the table, before it that of the ellipse in each box if it is wanted."""
    folder = data / row.folder
    report = boxmask.evaluate(
        folder / "instances_val.json",
        images=folder / "images",
        weights=weights,
        loosen=row.loosen,
        flip=row.flip,
        baselines=["ellipse"] if ellipse else [],
    )
    box = report.loosening.box_iou if report.loosening else 1.0
    lines = []
    for system in reversed(report.systems):
        score = system.splits["overall"]
        low, high = score.iou.class_mean_95
        iou = f"{100 * score.iou.class_mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
        known = score.calibration
        error = f"{100 * known.expected_calibration_error:.1f} %" if known else ""
        boxes = row.boxes if known else "exact; the ellipse in each box as its mask"
        photographs = f"{report.images} of {row.photographs}"
        lines.append(f"| {photographs} | {boxes} | {box:.2f} | {iou} | {error} |\n")
    return "".join(lines)


def table(data: Path, weights: str) -> str:
    """Measure every row."""
    lines = []
    for row in ROWS:
        plain = not (row.loosen or row.flip)
        lines.append(measured(row, data, weights, ellipse=plain))
        print(lines[-1], end="", file=sys.stderr, flush=True)
    return HEAD + "".join(lines)


def write(path: Path, figures: str) -> None:
    """Put the table between the two comments of a document."""
    text = path.read_text(encoding="utf-8")
    place = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    path.write_text(place.sub(lambda _: BEGIN + "\n" + figures + "\n" + END, text), "utf-8")


def main() -> None:
    """Print the table, and write it where that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", default="bundled")
    parser.add_argument("--write", action="store_true", help="into README.md and the model card")
    given = parser.parse_args()
    figures = table(given.data, given.weights)
    print(figures, end="")
    for path in DOCUMENTS if given.write else ():
        write(path, figures)


if __name__ == "__main__":
    main()
