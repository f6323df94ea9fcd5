"""A store of fsspec in memory that fails as often as it is told to, and counts what it is asked."""

from typing import Any, ClassVar

from fsspec import register_implementation
from fsspec.implementations.memory import MemoryFileSystem


class Flaky(MemoryFileSystem):  # type: ignore[misc]
    """Its URLs begin with flaky://."""

    protocol = "flaky"
    failures: ClassVar[dict[str, int]] = {}  # by the end of a path: how many more times
    asked: ClassVar[list[str]] = []  # files that were read
    was_put: ClassVar[list[str]] = []

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        stripped: str = super()._strip_protocol(path.replace("flaky://", "memory://"))
        return stripped

    @classmethod
    def reset(cls) -> None:
        """Forget all."""
        cls.failures, cls.asked, cls.was_put, cls.store = {}, [], [], {}

    def exists(self, path: str, **more: Any) -> bool:
        """Tell whether something is there; all buckets are."""
        return "/" not in path.strip("/") or bool(super().exists(path, **more))

    def cat_file(self, path: str, *options: Any, **more: Any) -> bytes:
        """Read a file, or fail."""
        self.asked.append(path)
        self._fail(path)
        content: bytes = super().cat_file(path, *options, **more)
        return content

    def put_file(self, local: str, path: str, *options: Any, **more: Any) -> None:
        """Write a file, or fail."""
        self._fail(path)
        self.was_put.append(path)
        super().put_file(local, path, *options, **more)

    def _fail(self, path: str) -> None:
        for end, left in self.failures.items():
            if path.endswith(end) and left:
                self.failures[end] = left - 1
                raise ConnectionResetError("the line is dead")


register_implementation("flaky", Flaky, clobber=True)
