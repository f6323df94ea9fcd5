"""What the user named as the boxes: a JSON file, a file of another kind, or a folder."""

from functools import cached_property
from pathlib import Path

from boxmask.data.raw.document import Document, open_document
from boxmask.errors import InputError


class Input:
    """A path that a reader is asked about; a JSON file is opened once for all readers."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_json(self) -> bool:
        """Whether this is a JSON file, whatever it holds."""
        return isinstance(self._opened, Document)

    @property
    def document(self) -> Document:
        """The JSON file; InputError tells why it is none."""
        if isinstance(self._opened, InputError):
            raise self._opened
        return self._opened

    @cached_property
    def _opened(self) -> Document | InputError:
        try:
            return open_document(self.path)
        except InputError as error:
            return error

    def has_members(self, *keys: str) -> bool:
        """Tell whether this is a JSON object that has all these keys."""
        return self.is_json and all(key in self.document.members for key in keys)
