"""A file or a folder of no known format: one sentence says what it looks like."""

import json
from pathlib import Path

import pytest
from source_files import write_files

from boxmask.data import read
from boxmask.errors import InputError

FILES = {
    "a picture": (b"\x89PNG\r\n\x1a\n", "looks like an image, not boxes"),
    "a photo": (b"\xff\xd8\xff\xe0", "looks like an image"),
    "Parquet": (b"PAR1....", "a Parquet file"),
    "a table of other things": (b"name,age\nx,2\n", "table without the columns of boxes"),
    "one label file": (b"0 0.5 0.5 0.1 0.1\n", "one label file of YOLO; give the folder"),
    "YAML": (b"seed: 3\n", "YAML without names"),
    "other XML": (b"<?xml version='1.0'?><svg/>", "XML with the root <svg>"),
    "a number": (b"17", "plain text, it begins '17'"),
    "binary": (b"\x01\x00\x02", "a binary file"),
    "FiftyOne": (b'{"samples": []}', "a FiftyOne dataset; export it as COCO"),
    "Datumaro": (b'{"info": {}, "categories": {}, "items": []}', "a Datumaro dataset"),
    "JSON-MIN": (b'[{"image": "a.png", "label": [], "id": 1}]', "JSON-MIN; export as JSON"),
}
FOLDERS = {
    "nothing": ({}, "no boxes were found in this folder; it holds nothing"),
    "photos": ({"a.jpg": "", "b.png": "", "c.md": ""}, r"it holds 2 images, 1 \.md files"),
    "COCO inside": ({"train/_annotations.coco.json": "{}"}, "give the file in it .*coco.json"),
    "FiftyOne": ({"samples.json": "{}", "metadata.json": "{}"}, "a FiftyOne dataset"),
}


@pytest.mark.parametrize(("content", "message"), FILES.values(), ids=FILES)
def test_a_file_is_told_apart(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "boxes"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"boxes: .*{message}.* Expected one of: COCO .*YOLO"):
        read(path)


@pytest.mark.parametrize(("files", "message"), FOLDERS.values(), ids=FOLDERS)
def test_a_folder_says_what_is_in_it(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(write_files(tmp_path, files))


def test_a_folder_with_coco_elsewhere_than_json_is_not_guessed_at(tmp_path: Path) -> None:
    write_files(tmp_path, {f"{k}.json": json.dumps({"a": k}) for k in range(9)})
    with pytest.raises(InputError, match=r"it holds 9 \.json files"):
        read(tmp_path)
