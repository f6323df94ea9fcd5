"""Outputs by URL: the bytes of a local run, put there whole, and nobody's object replaced."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from annotation_files import annotate, boxes_of, make_job, photos
from flaky_store import Flaky
from test_cli_annotate import call
from typer.testing import CliRunner

from boxmask import front, remote, store
from boxmask.annotate.delivery import Delivery, places_of
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.work_folder import WorkFolder
from boxmask.cli import app
from boxmask.errors import BoxmaskError, ConfigError, InputError, RunError
from boxmask.remote import Url, folder_of

OUT = "/bucket/some/masks.json"


@pytest.fixture(autouse=True)
def flaky(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Flaky]:
    monkeypatch.setattr(remote, "FIRST_WAIT", 0)
    monkeypatch.setattr(store, "WRITABLE", ("flaky", "memory"))
    monkeypatch.chdir(tmp_path)
    Flaky.reset()
    yield Flaky()
    remote._failures.clear()


def far(job: AnnotateJob, exports: dict[str, str] | None = None, **changes: Any) -> AnnotateJob:
    """Return a job whose output, and exports by name, go to a bucket."""
    folders = {name: folder_of(place) for name, place in (exports or {}).items()}
    state = Path(job.boxes.parent / "state")
    return replace(
        job, **places_of(Url(f"flaky:/{OUT}"), folders, state, boxes=job.boxes), **changes
    )


def objects(flaky: Flaky) -> dict[str, bytes]:
    """Return all that is in the bucket."""
    return {path: flaky.store[path].getvalue() for path in sorted(flaky.store)}


EXPORTS = {"mask_png": "flaky://bucket/png", "results": "flaky://bucket/results.json.gz"}


def test_the_objects_are_the_files_of_a_local_run(tmp_path: Path, flaky: Flaky) -> None:
    data = boxes_of(4, 3)
    data["annotations"][5]["bbox"] = None
    job = make_job(tmp_path, data)
    exports = {"mask_png": tmp_path / "png", "results": tmp_path / "results.json.gz"}
    annotate(replace(job, exports=exports))
    Flaky.failures = {"masks.json": 2, "0/1.png": 1}
    summary = annotate(far(job, EXPORTS))
    files = {
        f"/bucket/png/{path.relative_to(tmp_path / 'png')}": path.read_bytes()
        for path in exports["mask_png"].rglob("*.png")
    }
    files |= {
        "/bucket/results.json.gz": exports["results"].read_bytes(),
        OUT: job.out.read_bytes(),
        f"{OUT}.skipped.jsonl": WorkFolder(job.out).log.read_bytes(),
    }
    assert objects(flaky) == files and len(files) > 12
    assert (summary.out, summary.log) == (f"flaky:/{OUT}", f"flaky:/{OUT}.skipped.jsonl")
    assert summary.exported == EXPORTS and summary.state == str(tmp_path / "state")
    assert not (tmp_path / "state" / "masks.json.boxmask").exists()


def test_what_is_there_already_is_not_put_again(tmp_path: Path, flaky: Flaky) -> None:
    job = far(make_job(tmp_path), EXPORTS)
    annotate(job)
    Flaky.was_put.clear()
    assert annotate(job).already_done and not Flaky.was_put
    flaky.rm(OUT)
    assert not annotate(job).already_done and Flaky.was_put == [OUT]


def test_an_upload_that_fails_leaves_all_here_and_the_same_command_goes_on(
    tmp_path: Path, flaky: Flaky
) -> None:
    job = far(make_job(tmp_path), EXPORTS)
    Flaky.failures = {"masks.json": 1000}
    with pytest.raises(RunError, match=r"dead, 5 times\. All is finished in .*state.*same command"):
        annotate(job)
    assert not objects(flaky)
    Flaky.failures = {"results.json.gz": 1000}
    with pytest.raises(RunError, match="All is finished"):
        annotate(job)
    first = list(Flaky.was_put)
    Flaky.failures = {}
    assert annotate(job).predicted == 0
    assert Flaky.was_put == [*first, "/bucket/results.json.gz"]


def test_an_upload_that_was_killed_before_it_was_noted_is_known(
    tmp_path: Path, flaky: Flaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, put = far(make_job(tmp_path)), store.put

    def killed(*given: Any, **named: Any) -> None:
        put(*given, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("boxmask.annotate.sending.put", killed)
        with pytest.raises(KeyboardInterrupt):
            annotate(job)
    assert annotate(job).already_done and Flaky.was_put == [OUT]


def test_more_images_replace_the_object_and_take_the_log_away(tmp_path: Path, flaky: Flaky) -> None:
    near = make_job(tmp_path)
    job = far(near, {"index_png": "flaky://bucket/index"})
    (photos(job) / "0.png").rename(tmp_path / "0.png")
    annotate(job)
    assert f"{OUT}.skipped.jsonl" in objects(flaky)
    (tmp_path / "0.png").rename(photos(job) / "0.png")
    annotate(job)
    annotate(near)
    assert objects(flaky)[OUT] == near.out.read_bytes()
    assert f"{OUT}.skipped.jsonl" not in objects(flaky)


@pytest.mark.parametrize("place", [OUT, f"{OUT}.skipped.jsonl", "/bucket/png/0/1.png"])
def test_an_object_of_somebody_else_is_kept_unless_fresh(
    tmp_path: Path, flaky: Flaky, place: str
) -> None:
    job = far(make_job(tmp_path), EXPORTS)
    flaky.pipe_file(place, b"mine")
    with pytest.raises(RunError, match=r"is there already, and not of this run"):
        annotate(job)
    assert objects(flaky) == {place: b"mine"}
    assert not list(tmp_path.rglob("part-*"))  # no mask was made in vain
    annotate(replace(job, fresh=True))
    assert objects(flaky).get(place) != b"mine" or place.endswith("jsonl")


@pytest.mark.parametrize("place", [OUT, "/bucket/png/0/1.png"])
def test_an_object_changed_by_hand_is_kept(tmp_path: Path, flaky: Flaky, place: str) -> None:
    job = far(make_job(tmp_path), EXPORTS)
    (photos(job) / "1.png").rename(tmp_path / "1.png")
    annotate(job)
    flaky.pipe_file(place, b"mine")
    (tmp_path / "1.png").rename(photos(job) / "1.png")
    with pytest.raises(RunError, match="has been changed since this run put it there"):
        annotate(job)
    assert objects(flaky)[place] == b"mine"
    annotate(replace(job, fresh=True))
    assert objects(flaky)[place] != b"mine"


def test_an_object_that_appears_while_masks_are_made_is_kept(
    tmp_path: Path, flaky: Flaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, tag_of = far(make_job(tmp_path)), store.tag_of
    asked: list[Url] = []

    def late(url: Url) -> str | None:
        tag = tag_of(url)
        asked.append(url)
        if len(asked) == 4:  # twice in the beginning, twice before it is put
            flaky.pipe_file(OUT, b"mine")
        return tag

    monkeypatch.setattr("boxmask.annotate.sending.tag_of", late)
    with pytest.raises(RunError, match="something else has come to be there meanwhile"):
        annotate(job)
    assert objects(flaky) == {OUT: b"mine"}


def test_fresh_that_was_killed_goes_on_without_it(
    tmp_path: Path, flaky: Flaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = far(make_job(tmp_path))
    flaky.pipe_file(OUT, b"given away")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("boxmask.annotate.run.send", killed)
        with pytest.raises(KeyboardInterrupt):
            annotate(replace(job, fresh=True))
    annotate(job)
    assert objects(flaky)[OUT] == job.out.read_bytes()


def test_an_image_is_never_written_over_even_with_fresh(tmp_path: Path, flaky: Flaky) -> None:
    near = make_job(tmp_path, fresh=True)
    for path in photos(near).iterdir():
        flaky.pipe_file(f"/bucket/png/{path.name}", path.read_bytes())
    job = far(near, {"index_png": "flaky://bucket/png"}, images=Url("flaky://bucket/png"))
    before = objects(flaky)
    with pytest.raises(ConfigError, match="--index-png would write over this image"):
        annotate(job)
    twice = far(near, {"mask_png": "flaky://bucket/a", "cutouts": "flaky://bucket/a"})
    with pytest.raises(ConfigError, match="--cutouts would write over what --mask-png writes"):
        annotate(twice)
    assert objects(flaky) == before


def test_stale_objects_of_an_earlier_run_are_removed_and_no_others(
    tmp_path: Path, flaky: Flaky
) -> None:
    job = far(make_job(tmp_path), EXPORTS)
    annotate(job)
    flaky.pipe_file("/bucket/png/mine.png", b"mine")
    (tmp_path / "state" / "mask_png" / "0" / "1.png").unlink()
    plan = WorkFolder(job.out).plan
    assert plan.exists()
    annotate(job)
    assert "/bucket/png/0/1.png" not in objects(flaky)
    assert objects(flaky)["/bucket/png/mine.png"] == b"mine"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"out": "https://a/masks.json"}, r"https://a/masks\.json: cannot be written; .* s3://"),
        ({"out": "flaky://masks.json"}, "names a bucket alone"),
        ({"out": "masks.json", "state": "x"}, r"--state x: is for an --out that is a URL"),
        ({"out": "masks.json", "yolo": "flaky://b/y"}, "--yolo flaky://b/y: an export goes to"),
        ({"out": "flaky://b/m.json", "yolo": "flaky://b/y"}, "add --yolo-copy"),
        ({"out": "flaky://b/m.json", "labelme": "flaky://b/y"}, "--labelme writes where"),
        ({"out": "flaky://b/m.json", "state": "no/such"}, "no: no such folder.*--state"),
    ],
)
def test_places_that_do_not_go_together(
    tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    job = make_job(tmp_path)
    with pytest.raises(BoxmaskError, match=message):
        front.annotate(job.boxes, images=photos(job), **given)


def test_the_boxes_are_never_written_over(tmp_path: Path, flaky: Flaky) -> None:
    with pytest.raises(ConfigError, match="would write over the boxes"):
        front.annotate("flaky://b/c.json", images=tmp_path, out="flaky://b/c.json", fresh=True)


def test_boxes_by_url_and_the_screen(tmp_path: Path, flaky: Flaky) -> None:
    data = boxes_of(4, 3)
    data["annotations"][5]["bbox"] = None
    job = make_job(tmp_path, data)
    annotate(job)
    flaky.pipe_file("/bucket/boxes.json", job.boxes.read_bytes())
    given = ["annotate", "flaky://bucket/boxes.json", "--out", f"flaky:/{OUT}", "-v"]
    given += ["--images", str(job.images), "--weights", str(job.weights), "--shard-boxes", "4"]
    shown = CliRunner().invoke(app, [*given, "--batch-boxes", "8", "--threads", "1"])
    assert shown.exit_code == 0, shown.output
    state = Delivery(Url(f"flaky:/{OUT}"), {}).out.name
    assert objects(flaky)[OUT] == job.out.read_bytes()
    (folder,) = tmp_path.glob(f"{state}.*.state")
    assert f"state: {folder.name}" in shown.stderr and f"output: flaky:/{OUT}" in shown.stdout
    assert "box is missing" in shown.stdout and "uploading: 2 of 2" in shown.stderr
    checked = CliRunner().invoke(app, ["check", "flaky://bucket/boxes.json", f"flaky:/{OUT}"])
    assert "Every annotation is there once" in checked.output


def test_boxes_by_url_that_cannot_be_read_are_told_by_their_url(
    tmp_path: Path, flaky: Flaky
) -> None:
    flaky.pipe_file("/b/broken.json", b'{"images": [')
    for url, message in (
        ("flaky://b/none.json", r"^flaky://b/none\.json: there is no such file"),
        ("flaky://b", "no such file|a folder"),
        ("flaky://b/broken.json", r"^flaky://b/broken\.json: the JSON breaks off"),
    ):
        with pytest.raises(InputError, match=message):
            front.annotate(url, images=tmp_path, out=tmp_path / "out.json")
    with pytest.raises(ConfigError, match="where its images are has to be said"):
        front.annotate("flaky://b/none.json", out=tmp_path / "out.json")


def test_a_local_job_needs_no_store(tmp_path: Path) -> None:
    assert call(make_job(tmp_path)).exit_code == 0
    assert not list(tmp_path.glob("*.state"))
