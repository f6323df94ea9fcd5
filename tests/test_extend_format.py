"""A further format is a module and one entry of one table; a folder of text files here.

Each text has the name of its image: `owls/1.txt` is about `1.png`, one line `name x y w h` a box.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from annotation_files import WIDTH, annotate, make_job, output
from box_files import write
from typer.testing import CliRunner

from boxmask.annotate.job import AnnotateJob
from boxmask.check import check
from boxmask.cli import app
from boxmask.data import Input, ReadOptions, build_dataset, format_of, read_boxes
from boxmask.data import read as read_dataset
from boxmask.dataset import BoxDataset, Category
from boxmask.errors import ConfigError, InputError, RunError
from boxmask.formats import FORMATS, Format

NAME = "lines"


def recognises(source: Input) -> bool:
    """Tell whether this is a folder of texts."""
    return source.path.is_dir() and any(source.path.glob("*.txt"))


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Read the texts; they do not say how large the images are."""
    texts = sorted(source.path.glob("*.txt"))
    lines = [text.read_text(encoding="utf-8").splitlines() for text in texts]
    words = [line.split() for each in lines for line in each]
    names = sorted({name for name, *_ in words})
    xywh, faults = read_boxes([[float(number) for number in numbers] for _, *numbers in words])
    unsized = np.zeros(len(texts), np.int32)
    return build_dataset(
        source.path,
        NAME,
        image_ids=[text.stem for text in texts],
        file_names=[f"{text.stem}.png" for text in texts],
        widths=unsized,
        heights=unsized,
        annotation_ids=range(len(words)),
        xywh=xywh,
        faults=faults,
        image_index=np.repeat(np.arange(len(texts), dtype=np.int32), [len(each) for each in lines]),
        category_index=np.array([names.index(name) for name, *_ in words], np.int32),
        categories=[Category(place, name) for place, name in enumerate(names, 1)],
    )


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    FORMATS[NAME] = Format(reader=__name__, title="lines", looks_like="a folder of .txt files")
    yield
    del FORMATS[NAME]


@pytest.fixture
def job(tmp_path: Path) -> AnnotateJob:
    folder = tmp_path / "owls"
    folder.mkdir()
    (folder / "0.txt").write_text("owl 1 2 20 20\nelf 3 3 0 4\n")
    (folder / "1.txt").write_text(f"elf 5 5 9 9\nowl {WIDTH} 0 5 5\nowl 1 2 3\n")
    return make_job(tmp_path, boxes=folder)


def test_a_folder_is_read_annotated_and_checked(job: AnnotateJob) -> None:
    annotate(job)
    records = output(job)["annotations"]
    assert [row["boxmask"].get("reason") for row in records] == [
        None,
        "box has no width or height",
        None,
        "box is outside the image",
        "box does not have four numbers",
    ]
    assert records[0]["bbox"] == [1, 2, 20, 20]
    assert [row["category_id"] for row in records] == [2, 1, 1, 2, 2]
    assert check(read_dataset(job.boxes), job.out).holds


def test_a_second_run_notices_that_a_file_of_the_folder_has_changed(job: AnnotateJob) -> None:
    annotate(job)
    assert annotate(job).already_done
    (job.boxes / "0.txt").write_text("owl 1 2 20 21\n")
    with pytest.raises(RunError, match="BOXES"):
        annotate(job)


def test_a_file_of_no_known_format_is_told_of_this_one_too(tmp_path: Path) -> None:
    path = write(tmp_path / "boxes.json", {"something": 1})
    with pytest.raises(InputError, match=r"lines \(a folder of \.txt files\)\. Name the format"):
        read_dataset(path)
    with pytest.raises(ConfigError, match=r"known formats: coco, .*lines, megadetector"):
        read_dataset(path, ReadOptions(format="pascal"))


def test_the_format_is_gone_when_it_is_taken_away(job: AnnotateJob) -> None:
    assert format_of(job.boxes) == NAME
    entry = FORMATS.pop(NAME)
    with pytest.raises(
        InputError, match=r"no boxes were found in this folder; it holds 2 \.txt files"
    ):
        read_dataset(job.boxes)
    FORMATS[NAME] = entry


@pytest.mark.parametrize("command", ["annotate", "check"])
def test_the_command_line_lists_the_formats(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output
    assert "coco, visual-genome, megadetector" in shown
