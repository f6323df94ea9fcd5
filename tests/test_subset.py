"""A part of a dataset: what is outside is in the output as it was."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from annotation_files import HEIGHT, WIDTH, annotate, boxes_of, make_job, output, photos, silent
from pycocotools.coco import COCO
from typer.testing import CliRunner

import boxmask
from boxmask.annotate.estimate import estimate
from boxmask.annotate.job import AnnotateJob
from boxmask.check import check
from boxmask.cli import app
from boxmask.data import read
from boxmask.errors import ConfigError, InputError, RunError
from boxmask.subset import Subset

EMPTY = {"size": [HEIGHT, WIDTH], "counts": "`U1"}  # so that pycocotools can decode it


@pytest.fixture
def job(tmp_path: Path) -> AnnotateJob:
    """Four images of three boxes; the last boxes of each are dogs, one of an unknown image."""
    data = boxes_of(4, 3)
    data["categories"].append({"id": 2, "name": "dog"})
    for record in data["annotations"][8:]:
        record["category_id"] = 2
    data["annotations"][11]["image_id"] = 99
    data["annotations"][0]["note"] = [1.50, "kept"]
    return make_job(tmp_path, data)


CASES = {
    "limit": (Subset(limit=2), {0, 1, 4, 5, 8, 9}),
    "category": (Subset(category=("dog",)), {8, 9, 10, 11}),
    "categories": (Subset(category=("dog", "thing")), set(range(12))),
    "image": (Subset(image=("[13].png",)), {1, 3, 5, 7, 9}),
    "all three": (Subset(limit=1, category=("dog",), image=("1.*", "2.png")), {9}),
}


@pytest.mark.parametrize(("subset", "inside"), CASES.values(), ids=CASES)
def test_only_the_subset_is_annotated_and_the_rest_stays(
    job: AnnotateJob, subset: Subset, inside: set[int]
) -> None:
    whole = replace(job, out=job.out.with_name("whole.json"), subset=Subset())
    part = replace(job, subset=subset)
    annotate(whole)
    left = 12 - len(inside)
    assert (estimate(part, silent).boxes, estimate(part, silent).left) == (len(inside - {11}), left)
    tally = annotate(part).tally
    assert tally.statuses.get("left", 0) == left
    before = json.loads(job.boxes.read_bytes())["annotations"]
    for row, record in enumerate(output(part)["annotations"]):
        empty = {} if row == 11 else {"segmentation": EMPTY, "area": 0}
        wanted = output(whole)["annotations"][row] if row in inside else before[row] | empty
        assert {**record, "boxmask": 0} == {"iscrowd": 0, **wanted, "boxmask": 0}
        assert ("boxmask" in record) == (row in inside)
    dataset = read(job.boxes)
    report = check(dataset, part.out, subset=subset)
    assert report.holds and report.statuses.get("left", 0) == left
    assert check(dataset, part.out).holds == (not left)


@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_pycocotools_can_decode_what_was_left(job: AnnotateJob) -> None:
    annotate(replace(job, subset=Subset(limit=1)))
    coco = COCO(str(job.out))
    areas = [int(coco.annToMask(one).sum()) for one in coco.dataset["annotations"][:11]]
    assert [row for row, area in enumerate(areas) if area] == [0, 4, 8]


def test_an_image_that_was_not_to_be_annotated_is_no_background(job: AnnotateJob) -> None:
    places = {"index_png": job.out.parent / "index", "yolo": job.out.parent / "yolo"}
    summary = annotate(replace(job, subset=Subset(category=("dog",)), exports=places))
    dogs = ["0", "1", "2"]  # the fourth image has things alone
    for folder, suffix in (("index", ".png"), ("yolo/labels", ".txt"), ("yolo/images", ".png")):
        found = sorted(path.name for path in (job.out.parent / folder).iterdir())
        assert found == [dog + suffix for dog in dogs]
    for name in places:
        notes = summary.export_notes[name]
        assert notes["images left out, not annotated"] == 1
        assert notes["boxes not annotated, background"] == 6


def test_check_notices_what_changed_outside(job: AnnotateJob) -> None:
    subset = Subset(limit=1)
    annotate(replace(job, subset=subset))
    data = output(job)
    data["annotations"][1]["segmentation"] = [[1, 2, 3, 4, 5, 6]]
    job.out.write_text(json.dumps(data))
    report = check(read(job.boxes), job.out, subset=subset)
    assert "was to be left as it is" in report.first[0]


def test_the_subset_is_part_of_what_a_run_is(job: AnnotateJob) -> None:
    annotate(replace(job, subset=Subset(limit=1)))
    assert annotate(replace(job, subset=Subset(limit=1))).already_done
    with pytest.raises(RunError, match="--limit: was 1, now 2"):
        annotate(replace(job, subset=Subset(limit=2)))


@pytest.mark.parametrize(
    ("subset", "said"),
    [
        (Subset(category=("dogs",)), "no category is called 'dogs'. Is dog meant?"),
        (Subset(category=("qqq",)), "There are dog, thing."),
        (Subset(image=("*.jpg",)), "no file name is like .*jpg. The first are 0.png, 1.png"),
    ],
)
def test_what_nothing_is_called_is_an_error(job: AnnotateJob, subset: Subset, said: str) -> None:
    with pytest.raises(InputError, match=said):
        annotate(replace(job, subset=subset))


def test_a_limit_is_at_least_one(job: AnnotateJob) -> None:
    with pytest.raises(ConfigError, match="--limit is 0; give 1 or more"):
        replace(job, subset=Subset(limit=0))


def test_the_command_line_and_python_take_a_subset(job: AnnotateJob) -> None:
    paths = ["--images", str(job.images), "-o", str(job.out), "--weights", str(job.weights)]
    part = ["--category", "dog", "--image", "0.png", "--image", "1.png", "--limit", "1"]
    result = CliRunner().invoke(app, ["annotate", str(job.boxes), *paths, *part])
    assert result.exit_code == 0, result.output
    assert "left as they are" in result.stdout and "11" in result.stdout
    assert CliRunner().invoke(app, ["check", str(job.boxes), str(job.out), *part]).exit_code == 0
    assert CliRunner().invoke(app, ["check", str(job.boxes), str(job.out)]).exit_code == 4
    names = {"category": ["dog"], "image": ["0.png", "1.png"], "limit": 1}
    assert boxmask.check(job.boxes, job.out, **names).holds  # type: ignore[arg-type]
    again = boxmask.annotate(
        job.boxes,
        images=photos(job),
        out=job.out,
        weights=job.weights,
        **names,  # type: ignore[arg-type]
    )
    assert again.already_done
