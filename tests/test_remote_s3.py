"""Images, boxes and outputs in an S3 bucket, by a local server that fails now and then."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from annotation_files import annotate, boxes_of, make_job, photos

from boxmask import front, remote
from boxmask.annotate.delivery import places_of
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.work_folder import WorkFolder
from boxmask.durable import digest
from boxmask.errors import ConfigError, RunError
from boxmask.remote import Url, fetch
from boxmask.show import Show, show
from boxmask.store import digest_of, put

_NEEDS = 'needs an S3 client and server: pip install "boxmask[remote]" "moto[server]"'
s3fs = pytest.importorskip("s3fs", reason=_NEEDS)
moto_server = pytest.importorskip("moto.server", reason=_NEEDS)
serving = pytest.importorskip("werkzeug.serving", reason=_NEEDS)

# The libraries' own warnings, of what the next Python will no longer have.
pytestmark = pytest.mark.filterwarnings("default")
BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
NO_CONDITIONS = (
    b"<Error><Code>NotImplemented</Code><Message>A header you provided implies functionality that "
    b"is not implemented</Message></Error>"
)
Environ = dict[str, Any]
_numbers = count()


class Bucket:
    """A server of which every third answer is that it is busy, to who reads an image or writes.

    For some names it is always so.
    """

    def __init__(self) -> None:
        self.app = moto_server.DomainDispatcherApplication(moto_server.create_backend_app)
        self.busy = ""  # the end of the paths that are never answered
        self.asked: list[str] = []
        self.was_put: list[str] = []
        self.knows_conditions = True
        self.name = f"bucket-{next(_numbers)}"  # the servers of a process share their buckets
        self.server = serving.make_server("127.0.0.1", 0, self, threaded=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __call__(self, environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        method = environ["REQUEST_METHOD"]
        if method in ("PUT", "POST") or (method == "GET" and path.endswith(".png")):
            asked = self.asked if method == "GET" else self.was_put
            asked.append(path)
            if len(asked) % 3 == 0 or (self.busy and path.endswith(self.busy)):
                start("503 Slow Down", [("Content-Type", "application/xml")])
                return [BUSY]
        if "HTTP_IF_NONE_MATCH" in environ and not self.knows_conditions:
            start("501 Not Implemented", [("Content-Type", "application/xml")])
            return [NO_CONDITIONS]
        answer: Iterable[bytes] = self.app(environ, start)
        return answer


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bucket]:
    """A server that the environment leads to, as that of a user would."""
    bucket = Bucket()
    settings = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{bucket.server.port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",  # beside those of s3fs, which wait less
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    remote.open_store.cache_clear()
    yield bucket
    bucket.server.shutdown()
    remote.open_store.cache_clear()


def uploaded(job: AnnotateJob, bucket: Bucket) -> AnnotateJob:
    """Put the images of a job into a bucket, and return the job that reads them there."""
    store = s3fs.S3FileSystem()
    store.mkdir(bucket.name)
    bucket.was_put.clear()
    for path in photos(job).iterdir():
        store.pipe_file(f"{bucket.name}/some/{path.name}", path.read_bytes())
    return replace(job, images=Url(f"s3://{bucket.name}/some"), out=job.out.with_name("s3.json"))


def test_the_bytes_are_those_of_a_folder(tmp_path: Path, bucket: Bucket) -> None:
    job = make_job(tmp_path, boxes_of(9, 2))
    annotate(job)
    far = uploaded(job, bucket)
    annotate(far)
    assert far.out.read_bytes() == job.out.read_bytes()
    assert len(bucket.asked) > 9


def test_what_could_not_be_fetched_is_fetched_by_the_same_command(
    tmp_path: Path, bucket: Bucket
) -> None:
    job = make_job(tmp_path, boxes_of(6, 2))
    annotate(job)
    far, bucket.busy = uploaded(job, bucket), "/3.png"
    assert annotate(far).tally.reasons == {"image could not be fetched": 2}
    assert "reduce your request rate" in WorkFolder(far.out).log.read_text()
    bucket.busy = ""
    assert annotate(far).tally.skipped == 0
    assert far.out.read_bytes() == job.out.read_bytes()


def test_what_is_not_there_and_what_is_empty(tmp_path: Path, bucket: Bucket) -> None:
    far = uploaded(make_job(tmp_path), bucket)
    store = s3fs.S3FileSystem()
    store.rm(f"{bucket.name}/some/1.png")
    store.pipe_file(f"{bucket.name}/some/2.png", b"")
    assert annotate(far).tally.reasons == {"image missing": 3, "image empty": 3}
    with pytest.raises(FileNotFoundError):
        fetch(Url(f"s3://{bucket.name}"), "some")


def test_a_bucket_that_is_not_there(tmp_path: Path, bucket: Bucket) -> None:
    far = replace(make_job(tmp_path), images=Url("s3://none/some"))
    tally = annotate(far).tally
    assert tally.reasons == {"image missing": 12}


def on_s3(job: AnnotateJob, bucket: Bucket, **places: Any) -> AnnotateJob:
    """Return a job whose images, output and exports are in a bucket."""
    urls = {name: Url(f"s3://{bucket.name}/{place}") for name, place in places.items()}
    state, out = job.boxes.parent / "state", Url(f"s3://{bucket.name}/made/masks.json")
    return replace(uploaded(job, bucket), **places_of(out, urls, state, boxes=job.boxes))


def content(bucket: Bucket, name: str) -> bytes:
    """Return an object."""
    found: bytes = s3fs.S3FileSystem().cat_file(f"{bucket.name}/{name}")
    return found


def test_an_output_and_its_exports_are_the_files_of_a_local_run(
    tmp_path: Path, bucket: Bucket
) -> None:
    job = make_job(tmp_path, boxes_of(3, 2))
    png = tmp_path / "png"
    annotate(replace(job, exports={"mask_png": png}))
    far = on_s3(job, bucket, mask_png="png")
    summary = annotate(far)
    assert summary.out == f"s3://{bucket.name}/made/masks.json"
    assert content(bucket, "made/masks.json") == job.out.read_bytes()
    files = [path.relative_to(png) for path in png.rglob("*.png")]
    assert len(files) == 6
    assert all(content(bucket, f"png/{name}") == (png / name).read_bytes() for name in files)
    before = list(bucket.was_put)
    assert annotate(far).already_done and bucket.was_put == before


def test_an_upload_that_is_refused_leaves_all_here(tmp_path: Path, bucket: Bucket) -> None:
    job = make_job(tmp_path, boxes_of(3, 1))
    annotate(job)
    far, bucket.busy = on_s3(job, bucket), "masks.json"
    with pytest.raises(RunError, match=r"request rate.*All is finished in .*state"):
        annotate(far)
    bucket.busy = ""
    assert annotate(far).predicted == 0
    assert content(bucket, "made/masks.json") == job.out.read_bytes()


def test_an_object_of_somebody_else_is_kept(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = on_s3(make_job(tmp_path, boxes_of(3, 1)), bucket)
    store, name = s3fs.S3FileSystem(), f"{bucket.name}/made/masks.json"
    store.pipe_file(name, b"mine")
    with pytest.raises(RunError, match="is there already, and not of this run"):
        annotate(far)
    annotate(replace(far, fresh=True))
    assert content(bucket, "made/masks.json") == far.out.read_bytes()
    store.pipe_file(name, b"mine too")
    with pytest.raises(RunError, match="has been changed since this run put it there"):
        annotate(far)
    store.rm_file(name)
    with monkeypatch.context() as patch:  # it comes between the look and the upload
        patch.setattr("boxmask.annotate.sending.tag_of", lambda url: None)
        store.pipe_file(name, b"mine too")
        with pytest.raises(RunError, match="something else has come to be there meanwhile"):
            annotate(far)
    assert content(bucket, "made/masks.json") == b"mine too"


def test_a_store_that_knows_no_conditions_takes_files_all_the_same(
    tmp_path: Path, bucket: Bucket
) -> None:
    s3fs.S3FileSystem().mkdir(bucket.name)
    bucket.knows_conditions = False
    (tmp_path / "file").write_bytes(b"ours")
    put(tmp_path / "file", Url(f"s3://{bucket.name}/file"), new=True)
    assert content(bucket, "file") == b"ours"


def test_a_file_in_many_pieces_is_whole_and_never_in_the_place_of_another(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s3fs.core.calculate_chunksize", lambda size, chunksize=None: 5 << 20)
    s3fs.S3FileSystem().mkdir(bucket.name)
    large, url = tmp_path / "large", Url(f"s3://{bucket.name}/large")
    large.write_bytes(bytes(range(256)) * (11 << 12))
    put(large, url, new=True)
    assert digest_of(url) == digest(large)
    with pytest.raises(FileExistsError):
        put(large, url, new=True)


def test_boxes_and_what_was_made_are_read_by_their_urls(tmp_path: Path, bucket: Bucket) -> None:
    job = make_job(tmp_path, boxes_of(3, 2))
    annotate(job)
    far = uploaded(job, bucket)
    for name in ("boxes.json", "out.json"):
        s3fs.S3FileSystem().put_file(str(tmp_path / name), f"{bucket.name}/{name}")
    boxes = f"s3://{bucket.name}/boxes.json"
    given: dict[str, Any] = {"weights": job.weights, "shard_boxes": 4, "batch_boxes": 8}
    given["threads"] = 1
    front.annotate(boxes, images=str(far.images), out=far.out, **given)
    assert far.out.read_bytes() == job.out.read_bytes()
    assert front.check(boxes, f"s3://{bucket.name}/out.json").holds
    same = front.evaluate(f"s3://{bucket.name}/out.json", f"s3://{bucket.name}/out.json", workers=1)
    assert same.systems[0].splits["overall"].iou.class_mean == 1.0
    sheet = tmp_path / "sheet.png"
    shown = show(Show(file=far.out, images=far.images, out=sheet))
    assert (shown.pictures, shown.masks) == (3, 6)


@pytest.mark.parametrize("url", ["s3://none/masks.json", "s3://none/some/masks.json"])
def test_a_bucket_to_write_to_is_looked_for_first(tmp_path: Path, bucket: Bucket, url: str) -> None:
    job = make_job(tmp_path)
    with pytest.raises(ConfigError, match="there is no bucket 'none' that can be reached"):
        annotate(replace(job, **places_of(Url(url), {}, tmp_path / "state", boxes=job.boxes)))
