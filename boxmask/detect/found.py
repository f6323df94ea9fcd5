"""What a detector has found in a photograph."""

import msgspec


class Box(msgspec.Struct, array_like=True):
    """A box that was found: x, y, width, height, its class of the network, and its score."""

    bbox: tuple[float, float, float, float]
    label: int
    score: float


class Found(msgspec.Struct):
    """What was found in one photograph, or why it cannot be used."""

    size: tuple[int, int] = (0, 0)  # width, height
    boxes: list[Box] = []
    fault: str = ""
