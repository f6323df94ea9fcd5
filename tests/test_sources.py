"""Every format that is not COCO: read, annotated, checked, and nothing of it lost on the way."""

import json
from pathlib import Path

import numpy as np
import pytest
from annotation_files import annotate, make_job, output, photos
from source_files import (
    CSV,
    CVAT,
    LABEL_STUDIO,
    LABELME,
    OPENIMAGES,
    RETINANET,
    VOC,
    YOLO,
    Files,
    write_source,
)

from boxmask.check import check
from boxmask.data import ReadOptions, format_of, read
from boxmask.errors import InputError, RunError
from boxmask.show.job import Show
from boxmask.show.run import show
from boxmask.train.data.sources import open_sources

# By what is given: the format, its files, and which of them is named ("" for the folder).
SOURCES: dict[str, tuple[str, Files, str]] = {
    "YOLO folder": ("yolo", YOLO, ""),
    "YOLO data.yaml": ("yolo", YOLO, "data.yaml"),
    "VOCdevkit": ("voc", VOC, ""),
    "OpenImages": ("openimages", OPENIMAGES, "train-annotations-bbox.csv"),
    "CSV": ("csv", CSV, "boxes.csv"),
    "CSV without a header": ("csv", RETINANET, "boxes.csv"),
    "LabelMe folder": ("labelme", LABELME, ""),
    "CVAT": ("cvat", CVAT, "annotations.xml"),
    "Label Studio": ("label-studio", LABEL_STUDIO, "tasks.json"),
}
BOXES = [[4, 3, 24, 18], [10, 6, 30, 27], [2, 3, 22, 24]]
each = pytest.mark.parametrize("given", SOURCES)


@each
def test_a_source_is_read_annotated_and_checked(tmp_path: Path, given: str) -> None:
    format, files, name = SOURCES[given]
    boxes = write_source(tmp_path / "source", files, name)
    assert format_of(boxes) == format
    job = make_job(tmp_path, boxes=boxes)
    assert annotate(job).tally.statuses == {"ok": 3, "kept": 0, "crowd": 0, "skipped": 0}
    found = output(job)
    assert [image["file_name"] for image in found["images"]] == ["0.png", "1.png"]
    assert [(image["width"], image["height"]) for image in found["images"]] == [(40, 30)] * 2
    names = {one["id"]: one["name"] for one in found["categories"]}
    rows = found["annotations"]
    assert [names[row["category_id"]] for row in rows] == ["cat", "dog", "dog"]
    corners = [[x, y, x + w, y + h] for x, y, w, h in (row["bbox"] for row in rows)]
    np.testing.assert_allclose(corners, BOXES, atol=1e-3)
    assert check(read(boxes, ReadOptions(images=photos(job))), job.out).holds


@each
def test_every_row_says_where_it_comes_from(tmp_path: Path, given: str) -> None:
    format, files, name = SOURCES[given]
    dataset = read(write_source(tmp_path, files, name), ReadOptions(format=format))
    for row in range(3):
        source = json.loads(dataset.records[row])["source"]
        assert source["file"] in files
        record = source["record"]
        if isinstance(record, str):
            assert record in files[source["file"]]
            if "line" in source:
                assert files[source["file"]].split("\n")[source["line"] - 1] == record


@each
def test_a_changed_record_breaks_the_law(tmp_path: Path, given: str) -> None:
    _, files, name = SOURCES[given]
    boxes = write_source(tmp_path / "source", files, name)
    job = make_job(tmp_path, boxes=boxes)
    annotate(job)
    found = output(job)
    found["annotations"][1]["source"]["record"] = "another"
    job.out.write_text(json.dumps(found))
    report = check(read(boxes, ReadOptions(images=photos(job))), job.out)
    assert report.broken == 1
    assert '"source" was' in report.first[0]


def test_a_changed_label_file_is_noticed_whatever_names_the_dataset(tmp_path: Path) -> None:
    boxes = write_source(tmp_path / "source", YOLO, "data.yaml")
    job = make_job(tmp_path, boxes=boxes)
    annotate(job)
    assert annotate(job).already_done
    (boxes.parent / "labels" / "1.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    with pytest.raises(RunError, match="BOXES"):
        annotate(job)


def test_no_image_at_all_is_an_error_that_says_what_was_looked_for(tmp_path: Path) -> None:
    boxes = write_source(tmp_path, YOLO)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"none of its 2 images .* looked for images/0\.\*, 0\.\*"):
        read(boxes, ReadOptions(images=empty))


def test_an_image_that_is_missing_is_counted_and_skipped(tmp_path: Path) -> None:
    files = {**YOLO, "labels/2.txt": "0 0.5 0.5 0.1 0.1\n0 0.1 0.1 0.3 0.1 0.2 0.4\n"}
    boxes = write_source(tmp_path / "source", files)
    job = make_job(tmp_path, boxes=boxes)
    (photos(job) / "2.png").unlink()
    tally = annotate(job).tally
    assert tally.reasons == {"image missing": 2}
    assert tally.warnings == {"images that are not below the image folder": 1}
    assert check(read(boxes, ReadOptions(images=photos(job))), job.out).holds


@each
def test_other_commands_find_the_images_in_the_folder_that_they_are_given(
    tmp_path: Path, given: str
) -> None:
    _, files, name = SOURCES[given]
    boxes = write_source(tmp_path / "source", files, name)
    job = make_job(tmp_path, boxes=boxes)
    (source,) = open_sources([boxes], [photos(job)], seen="all")
    assert list(source.dataset.file_names) == ["0.png", "1.png"]
    shown = show(Show(boxes, photos(job), tmp_path / "sheet.jpg"))
    assert not shown.faults
