"""What a page may post: the forms of each question, and how one is read."""

from typing import Annotated, Any, Literal, TypeVar

import msgspec

from boxmask.review.guard import Refused
from boxmask.unreadable import UNREADABLE

Client = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z-]{1,64}$")]
Row = Annotated[int, msgspec.Meta(ge=0)] | Annotated[str, msgspec.Meta(pattern=r"^new-\d{1,18}$")]
Hash = Annotated[str, msgspec.Meta(max_length=64)] | None
Box = tuple[float, float, float, float]
By = Literal["box", "points", "brush"]
Posted = TypeVar("Posted")


class VerdictPost(msgspec.Struct):
    row: Row
    verdict: Literal["accept", "reject", "fix"] | None
    hash: Hash
    client: Client


class CorrectPost(msgspec.Struct):
    row: Row
    rle: dict[str, Any]
    box: Box
    by: By | list[By]
    hash: Hash
    client: Client


class DrawPost(msgspec.Struct):
    image: int
    rle: dict[str, Any]
    box: Box
    category: str
    client: Client


class Click(msgspec.Struct):
    x: float
    y: float
    inside: bool


class PredictPost(msgspec.Struct):
    image: int
    box: Box
    client: Client
    points: Annotated[list[Click], msgspec.Meta(max_length=200)] = []
    row: Row | None = None
    base: dict[str, Any] | None = None


class ClientPost(msgspec.Struct):
    client: Client


def posted(body: bytes, kind: type[Posted]) -> Posted:
    """Read the body of a request; Refused if it is not of that kind."""
    try:
        return msgspec.json.decode(body, type=kind)
    except UNREADABLE as error:
        raise Refused(400, f"the request cannot be read: {error}") from error
