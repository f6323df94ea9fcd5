"""CSV of boxes and that of OpenImages: columns, quotes, and one defect at a time."""

import json
import pickle
from pathlib import Path

import pytest
from source_files import CSV, OPENIMAGES, RETINANET, write_source

from boxmask.data import ReadOptions, read
from boxmask.errors import InputError
from boxmask.faults import reason_of

HEADER = "filename,xmin,ymin,xmax,ymax,class\n"
OPEN = OPENIMAGES["train-annotations-bbox.csv"]


def write_csv(folder: Path, text: str, name: str = "boxes.csv") -> Path:
    return write_source(folder, {name: text}, name)


DEFECTS = {
    "0.png,4,3,24,18,cat": "",
    "0.png,4,3,24,18": "",
    "0.png,4,3,x,18,cat": "line cannot be read",
    "0.png,4,3,,18,cat": "line cannot be read",
    "0.png,4,3": "line cannot be read",
    "0.png,24,3,4,18,cat": "box has no width or height",
    "0.png,4,3,inf,18,cat": "box is not finite",
}


@pytest.mark.parametrize(("line", "reason"), DEFECTS.items())
def test_a_defect_is_counted_and_named(tmp_path: Path, line: str, reason: str) -> None:
    boxes = write_csv(tmp_path, f"{HEADER}0.png,4,3,24,18,cat\n\n{line}\n")
    assert [reason_of(code) for code in read(boxes).faults] == ["", reason]
    if reason:
        with pytest.raises(InputError, match=rf"boxes\.csv, line 4: {reason}; found {line}"):
            read(boxes, ReadOptions(strict=True))


@pytest.mark.parametrize(
    ("line", "reason"),
    {
        "0,x,/m/cat,1,0.1,0.6,0.1,0.6,0": "",
        "0,x,/m/cat,1,0.1,0.6,0.1": "line cannot be read",
        "0,x,/m/cat,1,a,0.6,0.1,0.6,0": "line cannot be read",
        "0,x,/m/cat,1,0.6,0.1,0.1,0.6,0": "box has no width or height",
        "0,x,/m/cat,1,1.5,1.6,0.1,0.6,0": "box is outside the image",
    }.items(),
)
def test_a_defect_of_openimages_is_counted(tmp_path: Path, line: str, reason: str) -> None:
    boxes = write_csv(tmp_path, f"{OPEN}{line}\n", "train-annotations-bbox.csv")
    assert [reason_of(code) for code in read(boxes).faults] == ["", "", "", reason]


def test_a_box_around_a_group_is_a_crowd(tmp_path: Path) -> None:
    boxes = write_csv(tmp_path, f"{OPEN}1,x,/m/owl,1,0.1,0.6,0.1,0.6,1\n", "a.csv")
    dataset = read(boxes)
    assert dataset.is_crowd.tolist() == [False, False, False, True]
    assert [one.name for one in dataset.categories] == ["/m/cat", "/m/dog", "/m/owl"]
    assert dataset.warnings["classes without a name, for want of a CSV of class descriptions"] == 3


@pytest.mark.parametrize(
    "text",
    [
        "Image Path;X1;Y1;X2;Y2;Label\n0.png;4;3;24;18;cat\n",
        "path\tleft\ttop\tright\tbottom\tcategory\n0.png\t4\t3\t24\t18\tcat\n",
        "image_id,x,y,w,h,name\n0.png,4,3,20,15,cat\n",
        "class,image,x_min,y_min,x_max,y_max\ncat,0.png,4,3,24,18\n",
        "\ufefffilename,xmin,ymin,xmax,ymax,class\r\n0.png,4,3,24,18,cat\r\n",
        '"filename","xmin","ymin","xmax","ymax","class"\n"0.png","4","3","24","18","cat"',
        "/some/where/0.png,4,3,24,18,cat\n",
    ],
)
def test_the_usual_columns_are_known(tmp_path: Path, text: str) -> None:
    dataset = read(write_csv(tmp_path, text))
    assert dataset.boxes.tolist() == [[4, 3, 24, 18]]
    assert [one.name for one in dataset.categories] == ["cat"]
    assert dataset.file_names[0].endswith("0.png")


def test_a_quoted_field_may_hold_delimiters_and_line_ends(tmp_path: Path) -> None:
    text = (
        f'{HEADER}0.png,4,3,24,18,"cat,\nblack ""one"""\n0.png,4,3,9,9,5" pipe\n1.png,4,3,9,9,b\n'
    )
    dataset = read(write_csv(tmp_path, text))
    names = [dataset.categories[place].name for place in dataset.category_index]
    assert names == ['cat,\nblack "one"', '5" pipe', "b"]
    origins = [json.loads(dataset.records[row])["source"] for row in range(3)]
    assert [origin["line"] for origin in origins] == [2, 4, 5]
    assert origins[0]["record"] == '0.png,4,3,24,18,"cat,\nblack ""one"""'


def test_numbers_up_to_1_throughout_are_fractions(tmp_path: Path) -> None:
    dataset = read(write_csv(tmp_path, f"{HEADER}0.png,0.1,0.2,0.5,0.6,cat\n"))
    assert dataset.relative.all()
    assert list(dataset.warnings.values()) == [1]
    text = "filename,width,height,xmin,ymin,xmax,ymax\n0.png,40,30,0.1,0.2,0.5,1\n"
    assert read(write_csv(tmp_path, text)).boxes.tolist() == [[4, 6, 20, 30]]


def test_a_line_with_the_path_alone_is_an_image_without_boxes(tmp_path: Path) -> None:
    dataset = read(write_csv(tmp_path, f"{RETINANET['boxes.csv']}2.png,,,,,\n0.png,1,1,9,9,cat\n"))
    assert list(dataset.file_names) == ["0.png", "1.png", "2.png"]
    assert dataset.image_index.tolist() == [0, 0, 1, 0]
    assert json.loads(dataset.records[3])["source"]["line"] == 5


def test_records_survive_a_trip_to_another_process(tmp_path: Path) -> None:
    dataset = read(write_csv(tmp_path, CSV["boxes.csv"]))
    assert pickle.loads(pickle.dumps(dataset.records))[2] == dataset.records[2]
