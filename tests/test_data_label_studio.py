"""Label Studio: kinds of results, annotations and predictions, and one defect at a time."""

import json
from pathlib import Path

import numpy as np
import pytest
from source_files import Json, result, task, write_source

from boxmask.data import ReadOptions, read, segmentation
from boxmask.data.sources.brush import bits_of_brush, brush
from boxmask.errors import InputError
from boxmask.faults import reason_of
from boxmask.rle import segmentation_runs

SOUND = result("cat", 10, 10, 50, 50)
RING = [[10, 10], [60, 10], [35, 60]]


def write_tasks(folder: Path, *tasks: Json) -> Path:
    return write_source(folder, {"tasks.json": json.dumps(tasks)}, "tasks.json")


def polygon(points: object) -> Json:
    value = {"points": points, "polygonlabels": ["cat"]}
    return {"type": "polygonlabels", "value": value, "original_width": 40, "original_height": 30}


def painted(rle: object) -> Json:
    value = {"format": "rle", "rle": rle, "brushlabels": ["cat"]}
    return {"type": "brushlabels", "value": value, "original_width": 40, "original_height": 30}


BITS = np.zeros((30, 40), np.bool_)
BITS[3:18, 4:24] = np.random.default_rng(0).random((15, 20)) < 0.5
BITS[[3, 17], [4, 23]] = True


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (SOUND, ""),
        (result("cat", 10, 10, 50, 50, rotation=30), ""),
        (result("cat", 110, 10, 5, 50, rotation=340), "box is outside the image"),
        (result("cat", 10, 10, 50, 50, rotation=None), ""),
        (result("cat", 10, 10, 0, 50), "box has no width or height"),
        (result("cat", 10, 10, "a", 50), "box does not have four numbers"),
        (result("cat", 110, 10, 5, 50), "box is outside the image"),
        (polygon(RING), ""),
        (polygon(RING[:2]), "box does not have four numbers"),
        (polygon([[1, 2], [3], [4, 5]]), "box does not have four numbers"),
        ({"type": "brushlabels", "value": {"rle": [0, 1]}}, "mask cannot be read"),
        (painted(brush(BITS)), ""),
        (painted(brush(BITS)[:-9]), "mask cannot be read"),
        (painted(brush(BITS[:, :39])), "mask cannot be read"),
        (painted(brush(np.zeros((30, 40), np.bool_))), "mask cannot be read"),
        (painted([300]), "mask cannot be read"),
        (painted("text"), "mask cannot be read"),
        (painted(None), "mask cannot be read"),
        ({"type": "choices", "value": {"choices": ["dark"]}}, "shape is not a box"),
        ({"type": "relation", "from_id": "a"}, "shape is not a box"),
        ({"type": "rectanglelabels", "value": None}, "box does not have four numbers"),
    ],
)
def test_a_defect_is_counted_and_named(tmp_path: Path, second: Json, reason: str) -> None:
    boxes = write_tasks(tmp_path, task("0.png", SOUND, second))
    dataset = read(boxes)
    assert [reason_of(code) for code in dataset.faults] == ["", reason]
    assert json.loads(dataset.records[1])["source"]["record"] == second
    if reason:
        place = rf"task\[1\]\.annotations\[1\]\.result\[2\]: {reason}; found "
        with pytest.raises(InputError, match=place):
            read(boxes, ReadOptions(strict=True))


def test_polygons_are_masks_that_exist_in_pixels(tmp_path: Path) -> None:
    dataset = read(write_tasks(tmp_path, task("0.png", polygon(RING))))
    assert segmentation(dataset, 0, (40, 30)) == [[4, 3, 24, 3, 14, 18]]
    assert dataset.boxes.tolist() == [[4, 3, 24, 18]]


def test_predictions_count_where_no_annotation_was_finished(tmp_path: Path) -> None:
    predictions = [{"result": [SOUND], "score": 0.75}]
    cancelled = [{"result": [SOUND], "was_cancelled": True}]
    dataset = read(
        write_tasks(
            tmp_path,
            task("0.png", SOUND, predictions=predictions),
            task("1.png", annotations=[], predictions=predictions),
            task("2.png", annotations=cancelled, predictions=predictions),
        )
    )
    assert [reason_of(code) for code in dataset.faults] == [
        "",
        "prediction beside an annotation",
        "",
        "annotation was cancelled",
        "",
    ]
    assert dataset.scores is not None
    assert dataset.scores[[1, 2, 4]].tolist() == [0.75] * 3


def test_brushes_are_masks_that_exist(tmp_path: Path) -> None:
    dataset = read(write_tasks(tmp_path, task("0.png", painted(brush(BITS)))))
    counts = segmentation_runs(segmentation(dataset, 0, (40, 30)), width=40, height=30)
    assert ((np.arange(len(counts)) % 2).repeat(counts).reshape(40, 30).T == BITS).all()
    np.testing.assert_allclose(dataset.boxes, [[4, 3, 24, 18]])


def test_values_that_are_written_one_by_one_are_read_too() -> None:
    # Two runs: two values that differ, then six that are the same; lengths in 3 bits, less 1.
    widths = "".join(f"{width - 1:04b}" for width in (3, 4, 8, 16))
    head = f"{8:032b}{7:05b}{widths}"
    text = head + "0" + "00" + "001" + f"{9:08b}{7:08b}" + "1" + "00" + "101" + f"{200:08b}"
    text += "0" * (-len(text) % 8)
    data = list(int(text, 2).to_bytes(len(text) // 8, "big"))
    found = bits_of_brush(data, (2, 1))
    assert found is not None and found.tolist() == [[True, True]]
    assert bits_of_brush(data, (1, 2)) is not None
    assert bits_of_brush(data, (3, 1)) is None


def test_predictions_of_boxmask_count_beside_an_annotation(tmp_path: Path) -> None:
    result = painted(brush(BITS)) | {"score": 0.5}
    prediction = {"model_version": "boxmask 1.0", "score": 0.75, "result": [result]}
    dataset = read(write_tasks(tmp_path, task("0.png", SOUND, predictions=[prediction])))
    assert not dataset.faults.any() and dataset.has_mask.tolist() == [False, True]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/data/upload/1/0123abcd-a.png", "a.png"),
        ("/data/local-files/?d=set/a%20b.png", "set/a b.png"),
        ("s3://bucket/set/a.png", "set/a.png"),
        ("https://example.org/x/a.png?token=1", "a.png"),
    ],
)
def test_the_photo_is_found_by_its_address(tmp_path: Path, address: str, name: str) -> None:
    write_source(tmp_path, {name: ""})
    assert list(read(write_tasks(tmp_path, task(address, SOUND))).file_names) == [name]


def test_results_that_are_no_list_are_an_error_that_names_the_task(tmp_path: Path) -> None:
    broken = task("0.png") | {"annotations": [{"result": "none"}]}
    with pytest.raises(InputError, match=r"task 2, annotations\[1\], result is not a list"):
        read(write_tasks(tmp_path, task("0.png"), broken))


def test_an_address_that_cannot_be_taken_apart_is_a_missing_image(tmp_path: Path) -> None:
    found = read(write_tasks(tmp_path, task("http://[::1/0.png", SOUND)))
    assert len(found.boxes) == 1
