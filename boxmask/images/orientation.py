"""Which way up: the size that a dataset states decides whether EXIF rotation is applied."""

from typing import Literal

from PIL import Image, TiffImagePlugin
from PIL.ExifTags import Base

from boxmask.faults import ImageFault

Exif = Literal["auto", "stored", "rotated"]
Size = tuple[int, int]  # (width, height)

# EXIF orientation -> what shows the stored image upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_INVERSE_TURNS = {
    **_TURNS,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}


def orientation_of(image: Image.Image) -> int:
    """Read the EXIF orientation, 1 where there is none or it cannot be read."""
    try:
        value = image.getexif().get(Base.Orientation, 1)
    except Exception:  # damaged EXIF says nothing about the pixels
        return 1
    return value if value in _TURNS else 1


def stored_size(image: Image.Image) -> Size:
    """Return the size of the pixels as they lie in the file."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        # Pillow turns TIFF files by itself, and some of its versions tell the turned size here.
        return image.tag_v2[TiffImagePlugin.IMAGEWIDTH], image.tag_v2[TiffImagePlugin.IMAGELENGTH]
    return image.size


def should_rotate(image: Image.Image, stated: Size | None, exif: Exif, unsized: bool) -> bool:
    """Decide whether the image is to be shown upright rather than as stored.

    `stated` is the size that the dataset gives, None if it gives none; `unsized` is the answer
    for that case. The EXIF data is only looked at where it can matter.
    """
    if exif != "auto":
        return exif == "rotated"
    return unsized if stated is None else stated != stored_size(image)


def final_size(stored: Size, turn: bool, orientation: int) -> Size:
    """Return the size of the image after the rotation, if there is one."""
    return stored[::-1] if turn and orientation >= 5 else stored


def check_size(path: object, found: Size, stated: Size | None) -> None:
    """Raise the fault where the dataset states another size than the one found."""
    if stated is not None and found != stated:
        detail = "the dataset says {} x {}, the file holds {} x {}".format(*stated, *found)
        raise ImageFault("size mismatch", path, detail)


def rotate(image: Image.Image, turn: bool, orientation: int) -> Image.Image:
    """Rotate a decoded image upright, or back to how it was stored where Pillow turned it."""
    by_pillow = isinstance(image, TiffImagePlugin.TiffImageFile)
    if orientation == 1 or turn == by_pillow:
        return image
    return image.transpose((_TURNS if turn else _INVERSE_TURNS)[orientation])
