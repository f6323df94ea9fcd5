"""What was measured, a line a run, and what the boxes are that it was measured on.

Letters: N boxes of the validation split.
"""

import os
from pathlib import Path

import msgspec
from contest import Run


class Scores(msgspec.Struct, frozen=True):
    """Of each box (N,), fractions of 1."""

    iou: list[float]
    boundary: list[float]
    expected: list[float | None]
    """The IoU that the network expected; None without one."""


class Measured(msgspec.Struct, frozen=True):
    """One run on exact boxes, and on loose ones."""

    exact: Scores
    loose: Scores


class Boxes(msgspec.Struct, frozen=True):
    """Where each box stands (N,), and which categories are of VOC."""

    image: list[int]
    category: list[int]
    voc: list[bool]


class _Line(msgspec.Struct, frozen=True):
    run: Run
    measured: Measured


def append(folder: Path, run: Run, measured: Measured) -> None:
    """Add a run to the ledger in one write, so that processes may share it."""
    line = msgspec.json.encode(_Line(run, measured)) + b"\n"
    handle = os.open(folder / "runs.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)


def finished(folder: Path) -> dict[Run, Measured]:
    """Read the runs that are done; a line that was cut off by a crash is none."""
    path = folder / "runs.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    read = (msgspec.json.decode(line, type=_Line) for line in lines)
    return {line.run: line.measured for line in read}


def write_boxes(folder: Path, boxes: Boxes) -> None:
    """Note what the boxes are; every run finds the same, and two may end at once."""
    own = folder / f"boxes-{os.getpid()}.tmp"
    own.write_bytes(msgspec.json.encode(boxes))
    own.replace(folder / "boxes.json")


def read_boxes(folder: Path) -> Boxes | None:
    """Return what the boxes are, if any run has been measured."""
    path = folder / "boxes.json"
    return msgspec.json.decode(path.read_bytes(), type=Boxes) if path.exists() else None
