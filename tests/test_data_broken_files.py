"""An unknown or broken file gets an error that says what was expected where."""

import gzip
import json
from pathlib import Path

import pytest
from box_files import coco, genome_images, write

from boxmask.data import ReadOptions, read
from boxmask.errors import ConfigError, InputError

SOUND = json.dumps(coco()).encode()

BROKEN = {
    "empty": (b"", "the file is empty"),
    "cut off": (SOUND[:-20], "breaks off at byte .* truncated"),
    "a comma too many": (b'{"images": [],\n "annotations": [,]}', "byte 32, line 2: .* found ',"),
    "single quotes": (b"{'images': []}", "broken at byte 1, line 1: .* found \"'images'"),
    "one object a line": (b'{"images": []}\n{"images": []}', "byte 15, line 2: trailing"),
    "a zip archive": (b"PK\x03\x04....", "zip archive: unpack it"),
    "UTF-16": ("\ufeff{}".encode("utf-16-le"), "UTF-16 text"),
    "gzip cut off": (gzip.compress(SOUND)[:-30], "cannot be read"),
    "nested too deeply": (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
    "a control character": (b'{"a": "\n"}', "broken at byte 7, line 1: invalid character"),
    "a key not UTF-8": (b'{"\xff": 1}', "a key is not UTF-8"),
    "an empty object": (b"{}", "format is not recognised; .* without members. Expected one of"),
    "an empty list": (b"[]", "a list of 0 items"),
    "a list of numbers": (b"[1, 2]", "a list of 2 items"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_says_where(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "boxes.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"(?s)boxes\.json: .*{message}"):
        read(path)


WRONG = {
    "image_data.json": (genome_images(), "image_data.json, without boxes; give objects.json"),
    "COCO results": ([{"image_id": 1, "category_id": 2, "score": 1}], "a COCO results list"),
    "no annotations": ({"images": [], "categories": []}, 'no "annotations"; found: "images"'),
    "no images": ({"annotations": [], "info": 1}, 'no "images"; found: "annotations", "info"'),
    "annotations by id": (coco(annotations={"7": {}}), '"annotations" is not a list .* found'),
    "null annotations": (coco(annotations=None), "\"annotations\" is not a list .* found 'null'"),
    "a null annotation": (coco(annotations=[None]), r"annotations\[0\] is not an object"),
    "an image's name": (coco(images=["a.jpg"]), r"images\[0\] is not an object; found '\"a.jpg"),
    "a category's name": (coco(categories=["cat"]), r"categories\[0\] is not an object"),
}


@pytest.mark.parametrize(("content", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_says_what_was_expected(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(InputError, match=rf"boxes\.json: .*{message}"):
        read(write(tmp_path / "boxes.json", content))


@pytest.mark.parametrize("format", ["coco", "visual-genome", "megadetector"])
def test_a_file_of_another_format_than_named_says_so(tmp_path: Path, format: str) -> None:
    path = write(tmp_path / "boxes.json", {"something": 1})
    with pytest.raises(InputError, match=r'there is no "images"|the top level is not a list'):
        read(path, ReadOptions(format=format))


def test_an_unknown_format_lists_the_known_ones(tmp_path: Path) -> None:
    path = write(tmp_path / "boxes.json", coco())
    with pytest.raises(ConfigError, match=r"'pascal'; known formats: coco, .*genome"):
        read(path, ReadOptions(format="pascal"))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: cannot be read: No such file"):
        read(tmp_path / "none.json")
    with pytest.raises(InputError, match="no boxes were found in this folder; it holds nothing"):
        read(tmp_path)
