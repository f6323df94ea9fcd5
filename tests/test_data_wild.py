"""Numbers that overflow, ids that are none, bytes that are no text, keys that are there twice."""

import json
import warnings
from contextlib import suppress
from pathlib import Path

import pytest
from annotation_files import WIDTH, Json, annotate, boxes_of, make_job, output, photos

from boxmask.annotate.job import AnnotateJob
from boxmask.check import CheckReport, check
from boxmask.data import read
from boxmask.data.numbers import as_id, as_number, as_side, whole_number
from boxmask.errors import InputError

LONG = "1" * 5000


def detections(*records: str, top: str = "") -> str:
    """Write MegaDetector results of one image, whose detections are given as JSON."""
    return f'{{"images": [{{"file": "0.png", "detections": [{", ".join(records)}]}}]{top}}}'


def box(**own: str) -> str:
    keys = {"category": '"1"', "conf": "0.9", "bbox": "[0.1, 0.1, 0.5, 0.5]"} | own
    return "{" + ", ".join(f'"{key}": {value}' for key, value in keys.items()) + "}"


def job_of(folder: Path, text: str) -> AnnotateJob:
    """Make a job of a box file given as text, beside the usual photos."""
    job = make_job(folder)
    job.boxes.write_text(text)
    return job


def checked(job: AnnotateJob) -> CheckReport:
    """Annotate, with no warning of numpy's, and check."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        annotate(job)
        return check(read(job.boxes), job.out)


def test_what_is_no_number_size_or_id_overflows_nowhere() -> None:
    no_numbers: list[object] = [10**400, float("inf"), float("nan"), True, "1", None, [1]]
    for wild in no_numbers:
        assert as_number(wild) is None and as_side(wild) == 0
    assert (as_number(2), as_side(2.0), as_side(2.5), as_side(2**31)) == (2.0, 2, 0, 0)
    assert [as_id(value) for value in (10**400, "a", 0, 1.5)] == [10**400, "a", 0, 1.5]
    assert [as_id(value) for value in no_numbers if value not in ("1", 10**400)] == [None] * 5
    assert whole_number("-" + LONG) == -float("inf") and whole_number("-12") == -12


@pytest.mark.parametrize(
    "odd",
    [
        box(bbox="[0.1, 0.1, 1e308, 0.5]"),
        box(bbox="[-1e308, 0.1, 1e308, 0.5]"),
        box(bbox=f"[{LONG}, 0, 1, 1]"),
        box(conf=401 * "9"),
        box(conf="1e999"),
        box(conf="1e308"),
        box(bbox="[NaN, 0, 1, 1]"),
    ],
)
def test_a_wild_number_of_a_detection_is_skipped_or_no_matter(tmp_path: Path, odd: str) -> None:
    report = checked(job_of(tmp_path, detections(box(), box(), odd)))
    assert report.holds, report.first
    assert report.statuses["ok"] >= 2


def test_a_wild_number_of_coco_is_skipped(tmp_path: Path) -> None:
    data = boxes_of(1, 3)
    del data["annotations"][1]["bbox"], data["annotations"][2]["bbox"]
    data["annotations"][1]["bbox_relative"] = [0.1, 0.1, 1e308, 0.5]
    data["annotations"][2]["bbox_relative"] = [0, 0, 1e300, 1e300]
    del data["images"][0]["width"]
    report = checked(job_of(tmp_path, json.dumps(data)))
    assert report.holds and report.statuses == {"ok": 2, "skipped": 1}


def test_a_category_key_of_thousands_of_digits_is_a_text(tmp_path: Path) -> None:
    top = f', "detection_categories": {{"1": "animal", "{LONG}": "long"}}'
    job = job_of(tmp_path, detections(box(), top=top))
    assert [category.id for category in read(job.boxes).categories] == ["1", LONG]


@pytest.mark.parametrize("own", ["7", '"x"', "null", "NaN", "[1]"])
@pytest.mark.parametrize("key", ["id", "image_id", "category_id", "bbox_relative", "area"])
def test_own_values_of_the_keys_of_coco_are_kept_beside_them(
    tmp_path: Path, key: str, own: str
) -> None:
    job = job_of(tmp_path, detections(box(), box(**{key: own}), box(own='"mine"', **{key: own})))
    report = checked(job)
    assert report.holds, report.first
    first, second, third = output(job)["annotations"]
    assert [one["id"] for one in (first, second, third)] == [1, 2, 3]
    for one in (second, third):
        assert one["bbox_relative"] == [0.1, 0.1, 0.5, 0.5] and one["image_id"] == "0.png"
        assert one["category_id"] == first["category_id"] and one["boxmask"]["status"] == "ok"
        assert f'"own":{{"{key}":{own}'.encode() in job.out.read_bytes()
    assert third["own"]["own"] == "mine" and "own" not in first


def test_visual_genome_objects_with_two_ids_are_paired(tmp_path: Path) -> None:
    objects = [
        {"id": 5, "object_id": 7, "x": 1, "y": 1, "w": 9, "h": 9, "synsets": ["cat.n.01"]},
        {"object_id": 8, "x": 1, "y": 1, "w": 9, "h": 9, "synsets": ["cat.n.01"]},
    ]
    image = {"image_id": 1, "image_url": "a/0.png", "objects": objects}
    job = job_of(tmp_path, json.dumps([image]))
    (photos(job) / "a").mkdir()
    (photos(job) / "0.png").rename(photos(job) / "a" / "0.png")
    report = checked(job)
    assert report.holds, report.first
    first, second = output(job)["annotations"]
    assert (first["id"], first["own"], second["id"]) == (7, {"id": 5}, 8)


@pytest.mark.parametrize(
    "odd",
    [
        '"id": NaN, "bbox": [NaN, 1, 1, 1]',
        '"id": Infinity, "iscrowd": "0", "bbox": [1, 1, 9, 9]',
        '"id": 1e400, "bbox": [1, 1, 9, 9]',
        f'"id": {LONG}, "bbox": [1, 1, 9, 9]',
        '"id": "\\ud800", "bbox": [1, 1, 9, 9]',
        '"id": 18446744073709551617, "bbox": [1, 1, 9, 9]',
    ],
)
def test_an_annotation_with_an_odd_id_is_found_again(tmp_path: Path, odd: str) -> None:
    text = json.dumps(boxes_of(1, 1)).replace(
        '"annotations": [', f'"annotations": [{{"image_id": 0, "category_id": 1, {odd}}}, '
    )
    report = checked(job_of(tmp_path, text))
    assert report.holds and report.annotations == 2, report.first


def test_nan_is_not_the_id_of_an_image(tmp_path: Path) -> None:
    data: Json = boxes_of(1, 1)
    for wild in ("?", "??????"):
        data["images"][0]["id"] = wild
        text = json.dumps(data).replace('"image_id": 0', '"image_id": NaN')
        report = checked(job_of(tmp_path / str(len(wild)), text))
        assert report.reasons == {"no image record": 1}
    data["images"][0]["id"] = float("nan")
    with pytest.raises(InputError, match="no usable id"):
        read(job_of(tmp_path / "nan", json.dumps(data)).boxes)


@pytest.mark.parametrize("where", ['"counts":"', '"boxmask":{"status":"', '"area":', '"box":['])
def test_check_reads_an_output_with_a_byte_that_is_no_text(tmp_path: Path, where: str) -> None:
    job = make_job(tmp_path)
    annotate(job)
    sound = job.out.read_bytes()
    assert where.encode() in sound
    for byte in (b"\xb6", b"\xff", b"\x00"):
        job.out.write_bytes(sound.replace(where.encode(), where.encode() + byte, 1))
        with suppress(InputError):  # where the JSON itself is broken, and that is said
            assert not check(read(job.boxes), job.out).holds


@pytest.mark.parametrize("word", [b"NaN", b"-Infinity "])
def test_a_bare_word_in_the_place_of_a_key_is_broken_json(tmp_path: Path, word: bytes) -> None:
    job = make_job(tmp_path)
    annotate(job)
    dataset = read(job.boxes)
    for path in (job.out, job.boxes):
        sound = path.read_bytes()
        path.write_bytes(sound.replace(b'"name": "thing"}', word + b': "thing"}', 1))
        assert path.read_bytes() != sound
    with pytest.raises(InputError, match=r"out\.json: the JSON is broken"):
        check(dataset, job.out)
    with pytest.raises(InputError, match=r"boxes\.json: the JSON is broken"):
        read(job.boxes)


def test_a_list_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    text = json.dumps(boxes_of(1, 1))
    job = job_of(tmp_path, text[:-1] + ', "annotations": []}')
    with pytest.raises(InputError, match=r'the key "annotations" is there more than once'):
        annotate(job)


def test_keys_that_are_there_twice_are_counted(tmp_path: Path) -> None:
    twice = '{"note": 1, "a:b": "\\"note\\": 2", "note": {"x": 2}, '
    text = json.dumps(boxes_of(1, 3)).replace('{"id": 0, "image_id"', twice + '"id": 0, "image_id"')
    text = text.replace('{"id": 1, ', '{"id": 1, "free": {"note": 1, "no": "note"}, ')
    tally = annotate(job_of(tmp_path, text)).tally
    assert tally.warnings == {"annotations with a key twice, of which the last counts": 1}


def test_lists_in_lists_without_end_are_an_error_of_ours(tmp_path: Path) -> None:
    for depth in range(960, 1010, 7):
        deep = depth * "[" + depth * "]"
        data = json.dumps(boxes_of(1, 2)).replace(
            '"bbox": [0, ', f'"x": NaN, "d": {deep}, "bbox": [0, '
        )
        genome = f'[{{"image_id": 1, "objects": [{{"x": NaN, "y": {deep}}}]}}]'
        for text in (data, detections(box(deep=deep, bbox=deep)), genome):
            job = job_of(tmp_path / str(depth), text)
            try:
                checked(job)
            except InputError as error:
                assert "deep" in str(error) or "cannot be decoded" in str(error)
            job.out.unlink(missing_ok=True)


def test_a_size_beyond_all_is_unknown(tmp_path: Path) -> None:
    data = boxes_of(1, 1)
    text = json.dumps(data).replace(f'"width": {WIDTH}', f'"width": {LONG}')
    assert read(job_of(tmp_path, text).boxes).widths.tolist() == [0]


@pytest.mark.parametrize(("key", "text"), [("\ud800", True), ("caf\xe9", False)])
@pytest.mark.parametrize("where", ["images", "annotations"])
def test_a_key_that_cannot_be_written_again_is_refused_before_masks_are_made(
    tmp_path: Path, where: str, key: str, text: bool
) -> None:
    data = boxes_of(2, 2)
    data[where][1][key] = 1
    job = make_job(tmp_path)
    written = json.dumps(data, ensure_ascii=text)
    job.boxes.write_bytes(written.encode("ascii" if text else "latin-1"))
    with pytest.raises(InputError, match=rf"boxes\.json: {where}\[1\]: .*Rename that key"):
        read(job.boxes)


def test_pairs_of_halves_in_keys_and_texts_are_characters(tmp_path: Path) -> None:
    data = boxes_of(2, 2)
    data["annotations"][1]["\U0001f600"] = "\U0001f600"
    assert checked(job_of(tmp_path, json.dumps(data))).holds


def test_nothing_of_a_table_is_nothing(tmp_path: Path) -> None:
    data = boxes_of(1, 6)
    nothing = [float("nan"), float("nan"), "no", "NaN", "0"]
    for one, value in zip(data["annotations"], nothing, strict=False):
        one["iscrowd"] = value
        one["segmentation"] = float("nan")
    data["annotations"][5]["segmentation"] = float("nan")
    report = checked(job_of(tmp_path, json.dumps(data)))
    assert report.holds and report.statuses == {"ok": 6}, report.first
