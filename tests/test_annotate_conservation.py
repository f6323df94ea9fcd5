"""The conservation law: every annotation once, in order, with all its own keys and bytes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from annotation_files import Json, annotate, make_job, output, photos
from defective_files import FILES, SEGMENTATIONS, as_text, make_defective_job, tight_box, verbatim
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from boxmask.annotate.job import AnnotateJob
from boxmask.check import check
from boxmask.data import read

OURS = ("segmentation", "area", "boxmask")
ASKED = {"id": None, "image_id": None, "category_id": None, "iscrowd": "0"}


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


def pixels(record: Json) -> int:
    """Count the pixels of a mask whose numbers are texts."""
    runs = record["segmentation"]
    return int(coco_mask.area({**runs, "size": [int(side) for side in runs["size"]]}))


@pytest.fixture(scope="module")
def defective(tmp_path_factory: pytest.TempPathFactory) -> AnnotateJob:
    return make_defective_job(tmp_path_factory.mktemp("defects"))


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
        added = new.keys() - old.keys() - set(OURS)
        assert added <= ASKED.keys() <= new.keys()
        assert all(new[key] == ASKED[key] for key in added)
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
        assert status in ("ok", "skipped") or new == ASKED | old
        if status == "skipped":
            kept = new.get("segmentation") == old.get("segmentation")
            assert kept or (old.get("segmentation") in (None, []) and not pixels(new))
            assert "area" not in old or old["area"] in (None, new["area"])
            assert ours["reason"]
        if status == "ok":
            assert int(new["area"]) > 0
    assert check(read(job.boxes), job.out).holds
    for key in ("info", "categories", "tail"):
        assert after[key] == before[key]
    log = job.out.with_name("out.json.skipped.jsonl")
    logged = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    assert len(logged) == tally.skipped == sum(tally.reasons.values())


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
    for image in photos(job).iterdir():
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
