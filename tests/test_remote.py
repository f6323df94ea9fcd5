"""Images behind URLs: the same masks as from a folder, and what fails now is tried again later."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from annotation_files import annotate, boxes_of, make_job, output, photos
from flaky_store import Flaky
from test_cli_annotate import call

from boxmask import remote
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.work_folder import WorkFolder
from boxmask.errors import ConfigError, RunError
from boxmask.remote import FetchError, Url, fetch, folder_of


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(remote, "FIRST_WAIT", 0)
    Flaky.reset()
    yield
    remote._failures.clear()


def uploaded(job: AnnotateJob, url: str = "flaky://photos") -> AnnotateJob:
    """Put the images of a job into the store, and return the job that reads them there."""
    for path in photos(job).iterdir():
        Flaky().pipe_file(f"/photos/{path.name}", path.read_bytes())
    return replace(job, images=Url(url), out=job.out.with_name("remote.json"))


def test_the_bytes_are_those_of_a_folder_however_often_the_store_fails(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    annotate(job)
    far = uploaded(job)
    Flaky.failures = {"/0.png": 2, "/2.png": remote.ATTEMPTS - 1}
    annotate(far)
    assert far.out.read_bytes() == job.out.read_bytes()
    assert len(Flaky.asked) == 4 + 2 + remote.ATTEMPTS - 1  # each image is fetched once


def test_what_could_not_be_fetched_is_fetched_by_the_same_command(tmp_path: Path) -> None:
    job = make_job(tmp_path, boxes_of(6, 2))
    annotate(job)
    far = uploaded(job)
    Flaky.failures = {"/3.png": 1000}
    tally = annotate(far).tally
    assert tally.reasons == {"image could not be fetched": 2}
    log = WorkFolder(far.out).log.read_text()
    assert "the line is dead, 5 times" in log
    Flaky.failures = {}
    assert annotate(far).tally.skipped == 0
    assert far.out.read_bytes() == job.out.read_bytes()


def test_what_the_store_says_of_a_file_is_not_asked_twice(tmp_path: Path) -> None:
    far = uploaded(make_job(tmp_path))
    Flaky().rm("/photos/1.png")
    Flaky().pipe_file("/photos/2.png", b"")
    tally = annotate(far).tally
    assert tally.reasons == {"image missing": 3, "image empty": 3}
    assert Flaky.asked.count("/photos/1.png") == Flaky.asked.count("/photos/2.png") == 1


def test_a_store_that_is_gone_ends_the_run_and_the_same_command_goes_on(tmp_path: Path) -> None:
    far = uploaded(make_job(tmp_path, boxes_of(60, 1)))
    Flaky.failures = {".png": 10**6}
    with pytest.raises(RunError, match=r"photos: 20 files in a row .*dead.*same command again"):
        annotate(far)
    Flaky.failures = {}
    assert annotate(far).tally.statuses["ok"] == 60


def test_names_below_the_url_are_names_and_others_are_refused(tmp_path: Path) -> None:
    data = boxes_of(3, 1)
    for image, name in zip(data["images"], ("a b#1.png", "c?.png", "é.png"), strict=True):
        image["file_name"] = name
    job = make_job(tmp_path, data)
    annotate(job)
    far = uploaded(job)
    names = ["flaky://photos/a b#1.png", "x/../c?.png", "é.png"]
    for image, name in zip(data["images"], names, strict=True):
        image["file_name"] = name
    job.boxes.write_text(json.dumps(data))
    annotate(far)
    masks = [annotation["segmentation"] for annotation in output(job)["annotations"]]
    assert [annotation["segmentation"] for annotation in output(far)["annotations"]] == masks
    data["images"][0]["file_name"] = "flaky://elsewhere/a.png"
    data["images"][1]["file_name"] = "../c.png"
    job.boxes.write_text(json.dumps(data))
    reasons = annotate(replace(far, fresh=True)).tally.reasons
    assert reasons == {"file name leaves the image folder": 1, "image missing": 1} or reasons == {
        "file name leaves the image folder": 2
    }


def test_a_file_without_end_is_cut_and_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boxmask.images.files.MAX_BYTES", 500)
    monkeypatch.setattr(remote, "MAX_BYTES", 500)
    assert annotate(uploaded(make_job(tmp_path))).tally.reasons == {"image cannot be read": 12}
    assert len(fetch(Url("flaky://photos"), "0.png")) == 500


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nope://bucket/photos", "nope://bucket/photos: no URL that can be read: .*nope"),
        ("oss://bucket/photos", r'oss://bucket/photos: .*pip install "boxmask\[remote\]"'),
    ],
)
def test_a_url_that_nothing_reads_is_told_before_any_work(
    tmp_path: Path, url: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        annotate(replace(make_job(tmp_path), images=folder_of(url)))


def test_yolo_needs_images_on_this_machine(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    with pytest.raises(ConfigError, match="--yolo links the images, and s3://b is not on"):
        replace(job, images=Url("s3://b"), exports={"yolo": tmp_path / "yolo"})


def test_folders_are_told_from_urls() -> None:
    assert folder_of("a/b") == Path("a/b")
    assert folder_of("s3://a//b/") == Url("s3://a//b")
    assert folder_of("file:///a%20b") == Path("/a b")
    with pytest.raises(ConfigError, match="s3://: names no bucket"):
        folder_of("s3://")


class FlakyWeb(SimpleHTTPRequestHandler):
    """A web server of which every third answer is that it is busy."""

    asked = 0

    def do_GET(self) -> None:
        """Answer, or not."""
        FlakyWeb.asked += 1
        if FlakyWeb.asked % 3 == 0:
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        """Be silent."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of a server of the folder."""
    pytest.importorskip("aiohttp", reason='needs aiohttp: pip install "boxmask[remote]"')
    handler = partial(FlakyWeb, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.filterwarnings("default")
def test_a_web_server_that_fails_now_and_then(tmp_path: Path, web: str) -> None:
    data = boxes_of(4, 2)
    data["images"][0]["file_name"] = "a b#1%.png"
    job = make_job(tmp_path, data)
    annotate(job)
    (tmp_path / "images" / "empty.png").write_bytes(b"")
    result = call(replace(job, images=Url(f"{web}/images"), out=tmp_path / "web.json"))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "web.json").read_bytes() == job.out.read_bytes()
    assert fetch(Url(f"{web}/images"), "empty.png") == b""
    with pytest.raises(FileNotFoundError):
        fetch(Url(f"{web}/images"), "no.png")


def test_a_server_that_is_not_there_is_a_failure_to_fetch() -> None:
    pytest.importorskip("aiohttp", reason='needs aiohttp: pip install "boxmask[remote]"')
    with pytest.raises(FetchError, match=r"127\.0\.0\.1.*5 times"):
        fetch(Url("http://127.0.0.1:9"), "a.png")


def test_an_address_that_cannot_be_taken_apart_is_named() -> None:
    with pytest.raises(ConfigError, match=r"http://\[::1: no URL that can be read"):
        folder_of("http://[::1")
