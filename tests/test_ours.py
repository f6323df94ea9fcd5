"""What a user has made or changed is never replaced or removed, whatever a run is told to write."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from annotation_files import annotate, boxes_of, make_job, output, photos
from PIL import Image

from boxmask.annotate import output as merging
from boxmask.annotate.work_folder import WorkFolder
from boxmask.durable import replace_file
from boxmask.errors import BoxmaskError, ConfigError, RunError
from boxmask.ours import Ledger


def change(path: Path) -> bytes:
    """Change a file as a user would, and return what it holds then."""
    path.write_bytes(path.read_bytes() + b" ")
    return path.read_bytes()


def test_an_output_corrected_by_hand_is_refused_and_kept(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    annotate(job)
    mine = change(job.out)
    with pytest.raises(RunError, match=r"out\.json has been changed since this run wrote it"):
        annotate(job)
    assert job.out.read_bytes() == mine
    job.out.rename(tmp_path / "corrected.json")
    annotate(job)
    assert job.out.read_bytes() + b" " == mine


def test_an_output_corrected_before_more_images_turn_up_is_kept(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    (photos(job) / "0.png").rename(tmp_path / "0.png")
    annotate(job)
    mine = change(job.out)
    (tmp_path / "0.png").rename(photos(job) / "0.png")
    with pytest.raises(RunError, match="has been changed"):
        annotate(job)
    assert job.out.read_bytes() == mine


def test_an_output_that_appears_while_masks_are_made_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(tmp_path)
    write = merging._write_output

    def slow(*given: Any, **named: Any) -> Any:
        job.out.write_text("mine")
        return write(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(merging, "_write_output", slow)
        with pytest.raises(RunError, match=r"out\.json is there already"):
            annotate(job)
    assert job.out.read_text() == "mine"
    job.out.unlink()
    assert annotate(job).reused == 12


def test_an_output_that_fresh_gave_away_and_was_changed_since_is_kept(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    job.out.write_text("given away")
    annotate(replace(job, fresh=True))
    job.out.write_text("mine")
    with pytest.raises(RunError, match="has been changed"):
        annotate(job)
    assert job.out.read_text() == "mine"


def test_a_log_of_somebody_else_is_refused_and_kept(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    log = WorkFolder(job.out).log
    log.write_text("mine")
    with pytest.raises(RunError, match=r"skipped\.jsonl is there already"):
        annotate(job)
    assert log.read_text() == "mine"
    assert annotate(replace(job, fresh=True)).predicted == 12


@pytest.mark.parametrize("name", ["out", "log", "plan", "exported"])
def test_an_input_is_never_written_over(tmp_path: Path, name: str) -> None:
    job = make_job(tmp_path)
    place: Path = getattr(WorkFolder(job.out), name)
    before = job.boxes.read_bytes()
    job.boxes.rename(place)
    with pytest.raises(ConfigError, match=r"is read|is a file that is read"):
        annotate(replace(job, boxes=place, fresh=True))
    assert place.read_bytes() == before


@pytest.mark.parametrize("flag", ["out", "results", "index_png"])
def test_an_image_is_never_written_over_even_with_fresh(tmp_path: Path, flag: str) -> None:
    job = make_job(tmp_path, fresh=True)
    image = photos(job) / "0.png"
    before = image.read_bytes()
    place = photos(job) if flag == "index_png" else image
    changes: dict[str, Any] = {"out": place} if flag == "out" else {"exports": {flag: place}}
    with pytest.raises(ConfigError, match="would write over this image"):
        annotate(replace(job, **changes))
    assert image.read_bytes() == before


def test_what_is_no_plain_file_is_refused_even_with_fresh(tmp_path: Path) -> None:
    job = make_job(tmp_path, fresh=True)
    make: list[Callable[[], None]] = [
        lambda: os.mkfifo(job.out),
        lambda: job.out.symlink_to(job.boxes),
        lambda: job.out.symlink_to(tmp_path / "nowhere"),
    ]
    for odd in make:
        odd()
        with pytest.raises(BoxmaskError, match=r"a link, or no file|is read"):
            annotate(job)
        assert not job.out.is_file() or job.out.is_symlink()
        job.out.unlink()


def test_the_other_name_of_a_hard_link_keeps_what_it_holds(tmp_path: Path) -> None:
    job = make_job(tmp_path, fresh=True)
    other = tmp_path / "other"
    other.write_text("mine")
    job.out.hardlink_to(other)
    annotate(job)
    assert other.read_text() == "mine" and len(output(job)["annotations"]) == 12


@pytest.mark.parametrize(
    ("flag", "file"),
    [
        ("index_png", "0.png"),
        ("mask_png", "0/1.png"),
        ("yolo", "labels/0.txt"),
        ("yolo", "data.yaml"),
        ("yolo", "images/0.png"),
        ("results", ""),
        ("training_copy", ""),
    ],
)
def test_what_lies_in_the_place_of_an_export_is_kept(tmp_path: Path, flag: str, file: str) -> None:
    job = make_job(tmp_path)
    place = tmp_path / "export"
    mine = place / file
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        annotate(replace(job, exports={flag: place}))
    assert mine.read_text() == "mine"
    assert not list(WorkFolder(job.out).path.glob("part-*"))  # no mask was made in vain


@pytest.mark.parametrize(
    ("flag", "file"), [("index_png", "0.png"), ("yolo", "labels/0.txt"), ("results", "")]
)
def test_an_export_changed_by_hand_is_kept_when_it_is_written_again(
    tmp_path: Path, flag: str, file: str
) -> None:
    place = tmp_path / "export"
    job = make_job(tmp_path, exports={flag: place})
    (photos(job) / "1.png").rename(tmp_path / "1.png")
    annotate(job)
    mine = change(place / file)
    (tmp_path / "1.png").rename(photos(job) / "1.png")
    with pytest.raises(BoxmaskError, match="not as a run for this output has written it"):
        annotate(job)
    assert (place / file).read_bytes() == mine
    annotate(replace(job, fresh=True))
    assert (place / file).read_bytes() != mine


def test_a_label_of_the_user_s_is_not_stale(tmp_path: Path) -> None:
    data = boxes_of(2, 2)
    data["annotations"] = [one for one in data["annotations"] if one["image_id"] == 0]
    place = tmp_path / "export"
    job = make_job(tmp_path, data, exports={"yolo": place}, fresh=True)
    mine = place / "labels" / "1.txt"  # the second image has no box
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    annotate(job)
    assert (place / "labels" / "0.txt").exists() and mine.read_text() == "mine"


def test_an_export_killed_after_fresh_goes_on_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "export"
    place.mkdir()
    (place / "3.png").write_text("given away")
    job = make_job(tmp_path, exports={"index_png": place})

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("boxmask.annotate.run.write_exports", killed)
        with pytest.raises(KeyboardInterrupt):
            annotate(replace(job, fresh=True))
    annotate(job)
    with Image.open(place / "3.png") as image:
        assert image.mode == "L"


def test_two_exports_in_one_place_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "export"
    job = make_job(tmp_path, exports={"mask_png": place, "cutouts": place})
    with pytest.raises(ConfigError, match="--cutouts would write over what --mask-png writes"):
        annotate(job)


def test_boxes_that_change_while_masks_are_made_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(tmp_path)
    before = job.boxes.read_bytes()
    write = merging._write_output

    def slow(*given: Any, **named: Any) -> Any:
        job.boxes.write_bytes(before.replace(b"[0, 4, 9, 20]", b"[1, 4, 9, 20]"))
        return write(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(merging, "_write_output", slow)
        with pytest.raises(RunError, match=r"boxes\.json: has changed while its masks were made"):
            annotate(job)
    assert not job.out.exists()
    job.boxes.write_bytes(before)
    assert annotate(job).reused == 12


def test_names_that_are_no_text_are_refused_before_any_work(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    changes: list[dict[str, Any]] = [{"out": odd}, {"exports": {"yolo": odd}}]
    for each in changes:
        with pytest.raises(ConfigError, match="not a name in UTF-8"):
            replace(job, **each)


def test_a_user_s_file_with_the_ending_of_a_temporary_one_is_kept(tmp_path: Path) -> None:
    mine = tmp_path / "a.json.tmp"
    mine.write_text("mine")
    with replace_file(tmp_path / "a.json") as stream:
        stream.write(b"ours")
    assert mine.read_text() == "mine"


def test_a_name_as_long_as_a_file_system_allows_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / (251 * "x" + ".png")
    with Ledger(tmp_path / "ledger").replacing(path) as temporary:
        temporary.write_bytes(b"ours")
    assert path.read_bytes() == b"ours"


def test_a_ledger_knows_what_was_written_also_after_a_line_was_cut_short(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    one, other = tmp_path / "one", tmp_path / "other"
    with ledger.replacing(one) as temporary:
        temporary.write_bytes(b"1")
    ledger.path.write_bytes(ledger.path.read_bytes() + b'\n["wrote", "123')
    again = Ledger(ledger.path)
    with again.replacing(other) as temporary:
        temporary.write_bytes(b"2")
    known = Ledger(ledger.path)
    assert known.wrote(one) and known.wrote(other)
    other.write_bytes(b"mine")
    assert not known.may_replace(other)
    with pytest.raises(RunError), known.replacing(other) as temporary:
        temporary.write_bytes(b"2")
    assert other.read_bytes() == b"mine" and sorted(
        json.loads(line)[2] for line in ledger.path.read_bytes().splitlines() if line.endswith(b"]")
    ) == ["one", "other"]


def test_a_file_of_somebody_else_in_the_place_of_the_notes_is_kept(tmp_path: Path) -> None:
    job = make_job(tmp_path, exports={"yolo": tmp_path / "yolo"})
    notes = WorkFolder(job.out).exported
    notes.write_text("mine")
    with pytest.raises(ConfigError, match="is there already, and not as boxmask wrote it"):
        annotate(job)
    assert notes.read_text() == "mine"
    notes.unlink()
    os.mkfifo(notes)
    with pytest.raises(ConfigError, match="is there already"):
        annotate(job)


def test_an_export_of_many_files_is_no_folder_in_the_place_of_the_output(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    with pytest.raises(ConfigError, match="--index-png would write over what --out writes"):
        annotate(replace(job, exports={"index_png": job.out}))
    assert not job.out.exists()
