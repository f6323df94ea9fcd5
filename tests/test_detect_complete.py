"""--complete proposes what a file lacks and touches nothing that is there."""

import json
from pathlib import Path
from typing import Any

import pytest
from annotation_files import write_photo
from detection_files import detect, make_detection, write_detector
from typer.testing import CliRunner

from boxmask import check
from boxmask.cli import app
from boxmask.detect.found import Box, Found
from boxmask.errors import ConfigError, InputError

# With other keys, spaces and number forms than we write.
IMAGES = '{"id":"%s" , "file_name": "%s.png", "width": 40, "height": 30, "by":"me" }'


def write_boxes(path: Path, annotations: str, *, images: int = 2, more: str = "") -> Path:
    listed = ", ".join(IMAGES % (chr(97 + k), k) for k in range(images))
    path.write_text(
        f'{{ "info": {{"mine":1.50}},\n"annotations" :[{annotations}]\n, "images": [{listed}],'
        f'"categories": [{{"id": 40, "name":"dog"}}, {{"id":41,"name": "bird"}}]{more} }}\n\n'
    )
    return path


def make(folder: Path, annotations: str, **changes: Any) -> Any:
    """A job that completes a file of two photographs."""
    folder.mkdir(exist_ok=True)
    path = write_boxes(folder / "some.json", annotations)
    job = make_detection(folder, photos=0, complete=path, **changes)
    for seed in range(2):
        write_photo(folder / "photos" / f"{seed}.png", seed=seed, size=(40, 30))
    return job


KEPT = '{"id":12, "image_id": "b","category_id":41,"bbox":[1.0,2,3e0,4] , "note":"é\\u00e9"}'


def test_every_byte_of_the_file_is_in_the_output_and_the_new_ones_stand_together(
    tmp_path: Path,
) -> None:
    job = make(tmp_path, KEPT)
    detect(job)
    before, after = (tmp_path / "some.json").read_bytes(), job.out.read_bytes()
    at = before.index(b']\n, "images"')
    added = len(after) - len(before)
    assert added > 0
    assert after[:at] == before[:at] and after[at + added :] == before[at:]
    new = json.loads(after)["annotations"][1:]
    assert [one["id"] for one in new] == list(range(13, 13 + len(new)))
    assert {one["category_id"] for one in new} == {40}
    assert {one["image_id"] for one in new} <= {"a", "b"}
    assert all(one["segmentation"]["counts"] and "score" in one for one in new)


def test_what_is_found_and_known_is_not_proposed_again(tmp_path: Path) -> None:
    first = make(tmp_path / "first", "")
    found = detect(first).found.boxes
    annotations = json.loads(first.out.read_text())["annotations"]
    assert found == len(annotations) > 1
    given = [{k: one[k] for k in ("id", "image_id", "category_id", "bbox")} for one in annotations]
    kept = json.dumps(given[:1])[1:-1]
    job = make(tmp_path / "second", kept)
    again = detect(job).found
    assert again.known >= 1
    assert again.boxes == found - again.known
    boxes = [one["bbox"] for one in json.loads(job.out.read_text())["annotations"]]
    assert boxes[0] == given[0]["bbox"] and given[0]["bbox"] not in boxes[1:]
    other = json.dumps([given[0] | {"category_id": 41}])[1:-1]
    assert detect(make(tmp_path / "third", other)).found.known == 0  # of another class
    # A file may list a category twice.
    twice = json.dumps([given[0] | {"category_id": 42}])[1:-1]
    fourth = make(tmp_path / "fourth", twice)
    fourth.complete.write_text(
        fourth.complete.read_text().replace("41,", '42,"name":"dog"}, {"id":41,')
    )
    assert detect(fourth).found.known == again.known


def test_what_lies_in_a_crowd_of_its_class_is_known() -> None:
    from types import SimpleNamespace

    import numpy as np

    from boxmask.data import build_dataset
    from boxmask.dataset import Category
    from boxmask.detect.known import Known

    dataset = build_dataset(
        Path("x"),
        "coco",
        image_ids=[1],
        file_names=["a.png"],
        widths=np.array([100], np.int32),
        heights=np.array([100], np.int32),
        annotation_ids=[1],
        xywh=np.array([[0.0, 0, 50, 50]]),
        image_index=np.array([0], np.int32),
        category_index=np.array([0], np.int32),
        categories=(Category(5, "dog"),),
        is_crowd=np.array([True]),
    )
    photographs: Any = SimpleNamespace(categories={0: 5}, job=SimpleNamespace(overlap=0.5))
    within, across = Box((10, 10, 9, 9), 0, 0.9), Box((40, 40, 40, 40), 0, 0.8)
    found = Found(size=(100, 100), boxes=[within, across])
    assert Known(photographs, dataset).unknown(0, found) == [across]


def test_the_proposals_lie_beside_and_can_be_checked(tmp_path: Path) -> None:
    job = make(tmp_path, KEPT)
    detected = detect(job)
    assert Path(detected.masks.out).name == "out.json.proposed.json"
    assert check(job.boxes, detected.masks.out).holds
    report = check(job.complete, job.out)
    assert report.holds and report.untouched, report.first
    assert report.statuses == {"left": 1, "proposed": detected.found.boxes}
    before = job.out.read_bytes()
    assert detect(job).masks.already_done
    assert job.out.read_bytes() == before


def test_a_file_that_has_changed_is_not_completed_from_old_boxes(tmp_path: Path) -> None:
    job = make(tmp_path, KEPT)
    detect(job)
    from boxmask.errors import RunError

    with pytest.raises(RunError, match="--complete is another"):
        detect(make(tmp_path, ""))


def test_what_cannot_be_completed_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is the file to complete"):
        detect(make(tmp_path, "", out=tmp_path / "some.json"))
    with pytest.raises(ConfigError, match="exports are made of a whole file"):
        make(tmp_path, "", exports={"yolo": tmp_path / "yolo"})
    other = write_detector(tmp_path, classes=("cow", "ant"))
    with pytest.raises(InputError, match=r"none of its categories .* finds cow, ant; .* dog, bird"):
        detect(make(tmp_path, "", weights=other))
    job = make(tmp_path, "")
    job.complete.write_text(job.complete.read_text().replace('"categories"', '"kinds"'))
    with pytest.raises(InputError, match="the file has none"):
        detect(job)
    csv = tmp_path / "boxes.csv"
    csv.write_text("image,label,x,y,w,h\n0.png,dog,1,2,3,4\n")
    with pytest.raises(InputError, match="--complete adds records to COCO"):
        detect(make_detection(tmp_path / "third", complete=csv))


def test_the_command_finds_and_says_so(tmp_path: Path) -> None:
    job = make_detection(tmp_path)
    words = ["detect", str(job.photos), "--weights", str(job.weights), "-o", str(job.out)]
    words += ["--device", "cpu", "--most", "2", "--threads", "1"]
    done = CliRunner().invoke(app, [*words, "--min-score", "0"])
    assert done.exit_code == 0, done.output
    assert "boxes found in 4 photographs" in done.output
    (tmp_path / "photos" / "1.png").write_bytes(b"no image")
    broken = CliRunner().invoke(app, [*words, "--min-score", "0", "--fresh"])
    assert "  not an image: 1 (1.png)\n" in broken.stdout
    again = CliRunner().invoke(app, [*words, "--min-score", "0", "--json"])
    assert json.loads(again.stdout)["found"]["images"] == 4
    none = CliRunner().invoke(app, [*words, "--min-score", "1", "--fresh"])
    assert none.exit_code == 5
    assert "look lower" in none.output
    wrong = CliRunner().invoke(app, [*words, "--min-score", "7"])
    assert wrong.exit_code == 2
    words[words.index("--weights") + 1] = "bundled"
    assert "this network finds no boxes" in CliRunner().invoke(app, words).output


def test_a_byte_order_mark_stays(tmp_path: Path) -> None:
    job = make(tmp_path, KEPT)
    assert job.complete is not None
    before = b"\xef\xbb\xbf" + job.complete.read_bytes()
    job.complete.write_bytes(before)
    detect(job)
    after = job.out.read_bytes()
    start = after.index(KEPT.encode()) + len(KEPT.encode())
    assert after.startswith(before[:start]) and after.endswith(before[start:])
    assert len(after) > len(before)


def test_a_file_without_images_is_refused(tmp_path: Path) -> None:
    job = make(tmp_path, "")
    write_boxes(job.complete, "", images=0)
    with pytest.raises(InputError, match=r"some\.json: lists no image"):
        detect(job)


def test_a_name_that_no_file_can_have_is_a_missing_image(tmp_path: Path) -> None:
    job = make(tmp_path, KEPT)
    job.complete.write_text(job.complete.read_text().replace("0.png", "\\ud800.png"))
    assert detect(job).found.unusable == {"image missing": [r"\ud800.png"]}


@pytest.mark.parametrize("ending", ["", ".boxes.json", ".proposed.json", ".boxmask.detect"])
def test_what_is_read_is_never_written_over_even_with_fresh(tmp_path: Path, ending: str) -> None:
    taken = tmp_path / f"out.json{ending}"
    for role in ("weights", "complete"):
        job = make_detection(tmp_path / role, photos=1, fresh=True)
        write_boxes(tmp_path / "some.json", "", images=1)
        given: dict[str, Any] = {"weights": job.weights, "complete": tmp_path / "some.json"}
        given[role] = given[role].rename(taken)
        before = taken.read_bytes()
        given |= {"out": tmp_path / "out.json"}
        with pytest.raises(ConfigError, match=r"is the file to complete|is read"):
            detect(make_detection(tmp_path / role, photos=1, fresh=True, **given))
        assert taken.read_bytes() == before
        taken.unlink()
