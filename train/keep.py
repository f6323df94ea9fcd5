"""What is read many times a run, kept in memory while it fits."""

from collections.abc import Callable
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Keep(dict[Key, Value]):
    """Values made on demand and kept until the room is used up.

    Nothing is ever thrown out: under draws that are all as likely, what came first is as good to
    keep as what came last.
    """

    def __init__(
        self, make: Callable[[Key], Value], *, size: Callable[[Value], int], room: int
    ) -> None:
        super().__init__()
        self.make = make
        self.size = size
        self.room = room  # bytes left

    def __missing__(self, key: Key) -> Value:
        value = self.make(key)
        size = self.size(value)
        if size <= self.room:
            self.room -= size
            self[key] = value
        return value
