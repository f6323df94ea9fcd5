"""The conservation law: every annotation once, in order, with all its own keys and bytes."""

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from annotation_files import HEIGHT, WIDTH, annotate, boxes_of, make_job, output, write_photo
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from boxmask.annotate.job import AnnotateJob
from boxmask.check import check
from boxmask.data import read

Json = dict[str, Any]
OURS = ("segmentation", "area", "boxmask")

# One image of each fate; the sizes are those of the records.
FILES: dict[str, Json] = {
    "good": {"file_name": "good.png", "width": WIDTH, "height": HEIGHT},
    "unsized": {"file_name": "unsized.png"},
    "missing": {"file_name": "missing.png", "width": WIDTH, "height": HEIGHT},
    "cut": {"file_name": "cut.png", "width": WIDTH, "height": HEIGHT},
    "text": {"file_name": "text.png", "width": WIDTH, "height": HEIGHT},
    "other size": {"file_name": "good.png", "width": 7, "height": 9},
    "outside": {"file_name": "../boxes.json", "width": WIDTH, "height": HEIGHT},
    "one pixel": {"file_name": "one.png", "width": 1, "height": 1},
}
SEGMENTATIONS = ["[]", "null", "[[1,1,9,1,9,9.50]]", '{"size":[30,40],"counts":[0,1200]}', '"odd"']

numbers = st.sampled_from(
    ["0", "-3", "1.50", "2e1", "39.999", "1e-9", "40", "1e9", "null", "NaN", '"4"']
)
bboxes = st.one_of(
    st.lists(numbers, min_size=4, max_size=4),
    st.lists(numbers, max_size=5),
    st.tuples(*[st.integers(-5, 45).map(str)] * 2, *[st.integers(1, 50).map(str)] * 2),
).map(lambda sides: f"[{', '.join(sides)}]")
values = st.sampled_from(
    ["1.0", "1e3", "null", '"\\u00fc"', "[1,  2]", '{"a": 1.50}', "-0.0", "true"]
)
annotations = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["0", '"x"', "-7", "12345678901234567890", "1.5", "null"]),
        "image_id": st.sampled_from([json.dumps(name) for name in FILES] + ['"nobody"', "null"]),
        "category_id": st.sampled_from(["1", "2", '"none"']),
        "bbox": bboxes,
        "segmentation": st.sampled_from(SEGMENTATIONS),
        "area": values,
        "iscrowd": st.sampled_from(["0", "1"]),
        "boxmask": values,
        "note": values,
        "ünïcode": values,
    },
).flatmap(lambda fields: st.permutations(list(fields.items())))


@pytest.fixture(scope="module")
def defective(tmp_path_factory: pytest.TempPathFactory) -> AnnotateJob:
    folder = tmp_path_factory.mktemp("defects")
    job = make_job(folder, boxes_of(1, 1), fresh=True)
    for seed, name in enumerate(("good.png", "unsized.png", "cut.png")):
        write_photo(job.images / name, seed=seed)
    write_photo(job.images / "one.png", size=(1, 1))
    whole = (job.images / "cut.png").read_bytes()
    (job.images / "cut.png").write_bytes(whole[: len(whole) // 2])
    (job.images / "text.png").write_text("no image")
    return job


def as_text(records: list[list[tuple[str, str]]]) -> str:
    """Write a COCO file by hand, every value as it stands."""
    rows = ["{" + ", ".join(f'"{key}": {value}' for key, value in row) + "}" for row in records]
    images = [{"id": name, **file} for name, file in FILES.items()]
    head = f'"info": {{"v": 1.00}}, "images": {json.dumps(images)}, "categories": [{{"id": 1}}]'
    return f'{{{head}, "annotations": [{", ".join(rows)}], "tail": [1.0]}}'


def verbatim(text: str) -> Json:
    """Parse JSON with every number as it was written."""
    found: Json = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    return found


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    records=st.lists(annotations, max_size=12),
    overwrite=st.booleans(),
    polygons=st.booleans(),
    tighten=st.booleans(),
)
def test_every_annotation_is_there_once_in_order_with_all_its_keys(
    defective: AnnotateJob,
    records: list[list[tuple[str, str]]],
    overwrite: bool,
    polygons: bool,
    tighten: bool,
) -> None:
    text = as_text(records)
    defective.boxes.write_text(text)
    job = replace(defective, overwrite=overwrite, polygons=polygons, tighten=tighten)
    tally = annotate(job).tally

    before, after = verbatim(text), verbatim(job.out.read_text())
    assert len(after["annotations"]) == len(before["annotations"]) == sum(tally.statuses.values())
    for old, new in zip(before["annotations"], after["annotations"], strict=True):
        assert [key for key in new if key in old] == list(old)
        assert set(new) - set(old) <= set(OURS)
        ours = new.get("boxmask")
        status = ours.get("status") if isinstance(ours, dict) else None
        found = dict(new)
        if status == "ok":
            tight = tight_box(new["segmentation"])
            assert [int(side) for side in ours["box"]] == tight
            assert ("given_box" in ours) is tighten
            if tighten:
                assert [int(side) for side in new["bbox"]] == tight
                found["bbox"] = ours["given_box"]
        assert all(found[key] == value for key, value in old.items() if key not in OURS)
        assert status in ("ok", "skipped") or new == old
        if status == "skipped":
            assert new.get("segmentation") == old.get("segmentation")
            assert ours["reason"]
        if status == "ok":
            assert int(new["area"]) > 0
    assert check(read(job.boxes), job.out).holds
    for key in ("info", "categories", "tail"):
        assert after[key] == before[key]
    log = job.out.with_name("out.json.skipped.jsonl")
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(logged) == tally.skipped == sum(tally.reasons.values())


def tight_box(segmentation: Any) -> list[int]:
    """Bound a mask of run lengths or polygons as pycocotools does."""
    if isinstance(segmentation, list):
        outlines = [[float(place) for place in ring] for ring in segmentation]
        parts = coco_mask.frPyObjects(outlines, HEIGHT, WIDTH)
        segmentation = coco_mask.merge(parts)
    size = [int(side) for side in segmentation["size"]]
    return [int(side) for side in coco_mask.toBbox({**segmentation, "size": size})]


def skipped(job: AnnotateJob) -> str:
    """Annotate a file of one annotation and return the reason why it was skipped, "" if not."""
    annotate(job)
    (record,) = output(job)["annotations"]
    return str(record["boxmask"].get("reason", ""))


@pytest.mark.parametrize(
    ("image", "bbox", "detail"),
    [
        ("other size", "[0, 0, 1, 1]", r"the dataset says \d+ x \d+, the file holds \d+ x \d+"),
        ("missing", "[0, 0, 1, 1]", "there is no such file"),
        ("unsized", "[50, 0, 5.5, 5]", r"it spans 50, 0, 55\.5, 5, the image is 40 x 30"),
        ("nobody", "[0, 0, 1, 1]", 'image_id is "nobody"'),
        ("good", "[0, 0, -1.50, 1]", r"bbox is \[0, 0, -1\.50, 1\]"),
        ("good", "null", "bbox is null"),
        ("good", f'"{900 * "x"}"', f'bbox is "{199 * "x"}'),
    ],
)
def test_the_log_tells_what_was_found(
    defective: AnnotateJob, image: str, bbox: str, detail: str
) -> None:
    defective.boxes.write_text(as_text([[("image_id", f'"{image}"'), ("bbox", bbox)]]))
    assert skipped(defective)
    (line,) = defective.out.with_name("out.json.skipped.jsonl").read_text().splitlines()
    assert re.fullmatch(detail, json.loads(line)["detail"])


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("good", ""),
        ("unsized", ""),
        ("one pixel", ""),
        ("missing", "image missing"),
        ("cut", "image truncated or damaged"),
        ("text", "not an image"),
        ("other size", "size mismatch"),
        ("outside", "file name leaves the image folder"),
        ("nobody", "no image record"),
    ],
)
def test_an_image_that_cannot_be_used_skips_its_boxes(
    defective: AnnotateJob, image: str, reason: str
) -> None:
    defective.boxes.write_text(as_text([[("image_id", f'"{image}"'), ("bbox", "[0, 0, 1, 1]")]]))
    assert skipped(defective) == reason


@pytest.mark.parametrize(
    ("bbox", "area"),
    [
        ("[3.2, 4.7, 1e-6, 1e-6]", 1),
        ("[39.9, 29.9, 5, 5]", 1),
        ("[-4, -4, 4.01, 4.01]", 1),
        ("[0, 0, 1, 1]", 1),
    ],
)
def test_a_valid_box_however_small_has_a_mask(defective: AnnotateJob, bbox: str, area: int) -> None:
    defective.boxes.write_text(as_text([[("image_id", '"good"'), ("bbox", bbox)]]))
    annotate(defective)
    (record,) = output(defective)["annotations"]
    assert record["boxmask"]["status"] == "ok"
    assert record["area"] == area == coco_mask.area(record["segmentation"])


def test_a_box_outside_an_image_of_unknown_size_is_skipped(defective: AnnotateJob) -> None:
    defective.boxes.write_text(as_text([[("image_id", '"unsized"'), ("bbox", "[50, 0, 5, 5]")]]))
    assert skipped(defective) == "box is outside the image"


def test_a_measured_size_is_added_to_its_image(defective: AnnotateJob) -> None:
    defective.boxes.write_text(as_text([[("image_id", '"unsized"'), ("bbox", "[1, 1, 5, 5]")]]))
    annotate(defective)
    image = next(image for image in output(defective)["images"] if image["id"] == "unsized")
    assert (image["width"], image["height"]) == (WIDTH, HEIGHT)


def test_a_clipped_box_is_counted_and_keeps_its_bbox(defective: AnnotateJob) -> None:
    defective.boxes.write_text(as_text([[("image_id", '"good"'), ("bbox", "[-9, 1, 20.50, 99]")]]))
    assert annotate(defective).tally.clipped == 1
    assert '"bbox":[-9, 1, 20.50, 99]' in defective.out.read_text()


@pytest.mark.parametrize("overwrite", [False, True])
def test_masks_that_are_there_are_kept_unless_overwritten(
    defective: AnnotateJob, overwrite: bool
) -> None:
    record = [("image_id", '"good"'), ("bbox", "[1, 1, 9, 9]"), ("segmentation", SEGMENTATIONS[2])]
    defective.boxes.write_text(as_text([record, [*record, ("iscrowd", "1")]]))
    tally = annotate(replace(defective, overwrite=overwrite)).tally
    first, crowd = output(defective)["annotations"]
    assert (first["segmentation"] == [[1, 1, 9, 1, 9, 9.5]]) is not overwrite
    assert "boxmask" not in crowd and crowd["segmentation"] == [[1, 1, 9, 1, 9, 9.5]]
    assert (tally.statuses["kept"], tally.statuses["crowd"]) == (int(not overwrite), 1)


def test_polygons_cover_what_the_run_lengths_do(tmp_path: Path) -> None:
    job = make_job(tmp_path, boxes_of(2, 4))
    annotate(job)
    as_runs = output(job)["annotations"]
    annotate(replace(job, polygons=True, fresh=True))
    for runs, outlined in zip(as_runs, output(job)["annotations"], strict=True):
        parts = coco_mask.frPyObjects(outlined["segmentation"], HEIGHT, WIDTH)
        assert coco_mask.merge(parts)["counts"].decode() == runs["segmentation"]["counts"]
        assert outlined["area"] == runs["area"]


def test_a_name_in_gz_is_compressed_to_the_same_bytes_each_time(tmp_path: Path) -> None:
    plain = make_job(tmp_path)
    packed = replace(plain, out=tmp_path / "out.json.gz")
    annotate(plain)
    annotate(packed)
    first = packed.out.read_bytes()
    assert gzip.decompress(first) == plain.out.read_bytes()
    annotate(replace(packed, fresh=True))
    assert packed.out.read_bytes() == first


def detections(folder: Path) -> Json:
    found = [{"category": "1", "conf": conf, "bbox": [0.1, 0.2, 0.5, 0.5]} for conf in (0.9, 0.1)]
    return {
        "images": [
            {"file": "0.png", "detections": found, "max_detection_conf": 0.9},
            {"file": "1.png", "failure": "Failure image access", "detections": None},
        ],
        "detection_categories": {"1": "animal"},
        "info": {"format_version": "1.3"},
    }


def genome(folder: Path) -> Json | list[Json]:
    url = "https://cs.stanford.edu/people/rak248/0.png"
    sizes = [{"image_id": 5, "url": url, "width": WIDTH, "height": HEIGHT, "coco_id": None}]
    (folder / "image_data.json").write_text(json.dumps(sizes))
    thing = {"object_id": 3, "x": 2, "y": 3, "w": 20, "h": 9, "names": ["tree"]}
    objects = [thing | {"synsets": ["tree.n.01"]}, thing | {"object_id": 4, "synsets": []}]
    return [{"image_id": 5, "objects": objects, "image_url": url}]


@pytest.mark.parametrize("tighten", [False, True])
@pytest.mark.parametrize("form", [detections, genome])
def test_other_formats_become_coco(
    tmp_path: Path, form: Callable[[Path], Json | list[Json]], tighten: bool
) -> None:
    job = make_job(tmp_path, tighten=tighten)
    job.boxes.write_text(json.dumps(form(tmp_path)))
    tally = annotate(job).tally
    first, second = output(job)["annotations"]
    assert coco_mask.area(first["segmentation"]) == first["area"]
    assert first["boxmask"]["status"] == "ok"
    assert (second["boxmask"]["status"] == "ok") is (form is detections)
    note, given = first["boxmask"], [4, 6, 20, 15] if form is detections else [2, 3, 20, 9]
    assert note["box"] == tight_box(first["segmentation"])
    assert note.get("given_box") == (given if tighten else None)
    assert first["bbox"] == (note["box"] if tighten else given)
    assert tally.annotations == 2
    assert check(read(job.boxes), job.out).holds


def test_a_box_in_fractions_only_is_kept_as_the_pixels_that_it_would_have_been(
    defective: AnnotateJob,
) -> None:
    record = [("image_id", '"unsized"'), ("bbox_relative", "[0.25, 0.1, 0.50, 0.5]")]
    defective.boxes.write_text(as_text([record, [*record, ("bbox", "null")]]))
    annotate(replace(defective, tighten=True))
    fractions, null = output(defective)["annotations"]
    assert fractions["boxmask"]["given_box"] == [10, 3, 20, 15]
    assert null["boxmask"]["given_box"] is None
    for annotated in (fractions, null):
        assert annotated["bbox"] == annotated["boxmask"]["box"]
        assert annotated["bbox_relative"] == [0.25, 0.1, 0.5, 0.5]
    assert check(read(defective.boxes), defective.out).holds


def test_a_tightened_output_that_is_annotated_again_stays_as_it_is(defective: AnnotateJob) -> None:
    record = [("image_id", '"good"'), ("bbox", "[1, 1.50, 9, 9]")]
    defective.boxes.write_text(as_text([record]))
    annotate(replace(defective, tighten=True))
    text = defective.out.read_text()
    defective.boxes.write_text(text)
    annotate(replace(defective, tighten=True))
    assert verbatim(defective.out.read_text()) == verbatim(text)
    assert '"given_box":[1, 1.50, 9, 9]' in text
    assert check(read(defective.boxes), defective.out).statuses == {"kept": 1}


@pytest.mark.parametrize("tighten", [False, True])
def test_overwriting_a_tightened_output_keeps_the_users_own_boxes(
    tmp_path: Path, tighten: bool
) -> None:
    job = make_job(tmp_path, tighten=True)
    given = [one["bbox"] for one in json.loads(job.boxes.read_bytes())["annotations"]]
    annotate(job)
    again = replace(
        job, boxes=job.out, out=tmp_path / "again.json", overwrite=True, tighten=tighten
    )
    annotate(again)
    assert check(read(again.boxes), again.out).holds
    for record, box in zip(output(again)["annotations"], given, strict=True):
        assert record["boxmask"].get("given_box", record["bbox"]) == box
        assert ("given_box" in record["boxmask"]) is tighten
        assert record["bbox"] == (record["boxmask"]["box"] if tighten else box)


def test_a_skipped_annotation_keeps_the_users_own_box(tmp_path: Path) -> None:
    job = make_job(tmp_path, tighten=True)
    annotate(job)
    again = replace(job, boxes=job.out, out=tmp_path / "again.json", overwrite=True)
    for image in job.images.iterdir():
        image.unlink()
    annotate(again)
    assert check(read(again.boxes), again.out).holds
    before, after = (output(one)["annotations"] for one in (job, again))
    for one, other in zip(before, after, strict=True):
        assert other["boxmask"]["status"] == "skipped"
        assert other["boxmask"]["given_box"] == one["boxmask"]["given_box"]


def test_a_box_put_aside_cannot_be_changed_unseen(tmp_path: Path) -> None:
    job = make_job(tmp_path, tighten=True)
    annotate(job)
    again = replace(job, boxes=job.out, out=tmp_path / "again.json", overwrite=True)
    annotate(again)
    changed = output(again)
    changed["annotations"][0]["boxmask"]["given_box"][0] += 1
    again.out.write_text(json.dumps(changed))
    assert not check(read(again.boxes), again.out).holds
