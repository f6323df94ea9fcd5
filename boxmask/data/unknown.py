"""What a file or a folder that no reader takes looks like, in one sentence that says what to do."""

import re
from collections import Counter
from pathlib import PurePosixPath

from boxmask.data.raw.document import Document
from boxmask.data.raw.input import Input
from boxmask.data.sources.photos import is_image

_MAGIC = {
    rb"\x89PNG|\xff\xd8\xff|GIF8|BM..\0\0|II\*\0|MM\0\*|RIFF....WEBP": "an image",
    rb"PAR1": "a Parquet file",
    rb"\x89HDF": "an HDF5 file",
    rb"SQLite format 3": "an SQLite database",
    rb"\x93NUMPY": "a NumPy array",
    rb"\x80[\x02-\x05]": "a Python pickle",
    rb"%PDF": "a PDF",
    rb"<!DOCTYPE html|<html": "a web page",
}
_CONVERT = "write its boxes as COCO or CSV first."
# The first key sets that the members of a JSON object, or of a list's first item, include.
_JSON = (
    ({"url", "width", "height"}, "Visual Genome's image_data.json, without boxes; give "
     "objects.json, with this file beside it."),
    ({"image_id", "category_id", "score"}, "a COCO results list, which has no images; give the "
     "annotations that it was made for."),
    ({"image", "annotations"}, f"CreateML; {_CONVERT}"),
    ({"_via_img_metadata"}, f"a VIA project; {_CONVERT}"),
    ({"samples"}, "a FiftyOne dataset; export it as COCODetectionDataset."),
    ({"sample_fields"}, "a FiftyOne dataset; export it as COCODetectionDataset."),
    ({"items", "categories"}, "a Datumaro dataset; convert it to COCO (datum convert -f coco)."),
    ({"image", "label"}, "Label Studio's JSON-MIN; export as JSON."),
    ({"objects", "size"}, f"a Supervisely annotation; {_CONVERT}"),
)  # fmt: skip
_LISTED = 4  # kinds of files that are named
_ROOT = re.compile(rb"<([A-Za-z_][\w.-]*)")


def likely(source: Input) -> str:
    """Say what something that no reader takes looks like."""
    if source.is_folder:
        return _folder(source)
    for magic, what in _MAGIC.items():
        if re.match(magic, source.head, re.DOTALL):
            return f"this looks like {what}, not boxes."
    head = source.head.lstrip()
    if source.may_be_json or not head or head.startswith((b"PK\x03\x04", b"\xff\xfe", b"\xfe\xff")):
        return _json(source.document)
    if head.startswith(b"<"):
        root = _ROOT.search(head)
        name = root[1].decode() if root else "?"
        return f"this looks like XML with the root <{name}>, which is neither VOC nor CVAT."
    if b"\0" in head:
        return "this looks like a binary file of an unknown kind."
    return _text(head.splitlines()[0].decode("utf-8", "replace"))


def _text(line: str) -> str:
    fields = line.split()
    if len(fields) >= 5 and all(re.fullmatch(r"[-+.\deE]+", field) for field in fields):
        return "this looks like one label file of YOLO; give the folder of them, or data.yaml."
    if "," in line or "\t" in line or ";" in line:
        return (
            f"this looks like a table without the columns of boxes, it begins {line[:80]!r}; "
            "filename, xmin, ymin, xmax, ymax and class were expected."
        )
    if re.match(r"[\w\"']+ *:", line):
        return "this looks like YAML without names and train, val or test, so not YOLO's data.yaml."
    return f"this looks like plain text, it begins {line[:80]!r}."


def _folder(source: Input) -> str:
    files = source.files
    names = {PurePosixPath(name).name for name in files}
    if {"samples.json", "metadata.json"} <= names:
        return "this looks like a FiftyOne dataset; export it as COCODetectionDataset."
    json = [name for name in files if name.endswith(".json")]
    if 0 < len(json) <= _LISTED:
        return f"this is a folder; give the file in it that has the boxes: {', '.join(json)}?"
    if any(name.endswith(".parquet") for name in names):
        return f"this looks like a folder of Parquet files; {_CONVERT}"
    kinds = Counter(
        "images" if is_image(name) else f"{PurePosixPath(name).suffix or 'other'} files"
        for name in files
    )
    held = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(_LISTED))
    return f"no boxes were found in this folder; it holds {held or 'nothing'}."


def _json(document: Document) -> str:
    keys = set(document.members) | document.item_keys()
    for wanted, what in _JSON:
        if wanted <= keys:
            return f"this looks like {what}"
    top_level = document.describe_top_level()
    if "images" in document.members:
        return f'there are "images" but no "annotations"; found: {top_level}.'
    if "annotations" in document.members:
        return f'there are "annotations" but no "images"; found: {top_level}.'
    return f"the format is not recognised; the top level is {top_level}."
