"""Why an image could not be used."""

from pathlib import Path

from boxmask.errors import InputError

IMAGE_FAULTS = (
    "file name leaves the image folder",
    "image missing",
    "image cannot be read",
    "image empty",
    "not an image",
    "image has too many pixels",
    "image truncated or damaged",
    "size mismatch",
)


class ImageFault(InputError):
    """An image that cannot be used: `reason` is one of IMAGE_FAULTS, the text has the details."""

    def __init__(self, reason: str, path: str | Path, detail: str) -> None:
        super().__init__(f"{path}: {reason}: {detail}")
        self.reason = reason
        self.detail = detail
