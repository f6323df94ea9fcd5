"""One reading of a segmentation and one rule for an empty one, whoever reads the file."""

from pathlib import Path

import pytest
from box_files import annotation, coco, write

from boxmask.data import read, segmentation
from boxmask.data.annotated_file import open_annotated
from boxmask.data.segmentation import segmentation_of
from boxmask.evaluate.reading import read_masks

EMPTY: list[object] = [
    None,
    [],
    [[]],
    [[], []],
    {},
    "",
    {"size": [80, 100], "counts": ""},
    {"counts": []},
    {"size": [80, 100], "counts": [8000]},
    {"size": [80, 100], "counts": [8000, 0]},
    {"size": [80, 100], "counts": "PZ7"},
]
FILLED: list[object] = [
    [[10, 20, 40, 20, 40, 60]],
    [[], [10, 20, 40, 20, 40, 60]],
    {"size": [80, 100], "counts": [820, 3, 77, 3, 7097]},
    {"size": [80, 100], "counts": [0, 8000]},
    {"size": [80, 100], "counts": "0PZ7"},
    {"size": [80, 100], "counts": "dj01_20mm6"},
    {"size": [80, 100], "counts": "dj01_20mm6" * 20},
]


@pytest.mark.parametrize("mask", EMPTY + FILLED, ids=str)
@pytest.mark.parametrize("note", ["plain", float("nan")])
def test_every_reader_agrees_on_what_is_a_mask(tmp_path: Path, mask: object, note: object) -> None:
    path = write(tmp_path / "masks.json", coco(annotation(segmentation=mask, note=note)))
    expected = mask if mask in FILLED else None
    dataset = read(path)
    assert dataset.has_mask.tolist() == [expected is not None]
    assert segmentation(dataset, 0, (100, 80)) == expected
    assert open_annotated(path, dataset).segmentation(0) == expected
    masks = read_masks(path)
    assert (masks.skip_reasons[0] == "") == (expected is not None)
    assert segmentation_of(masks.records[0]) == expected
