"""Images in an S3 bucket, by a local server that fails now and then."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from annotation_files import annotate, boxes_of, make_job, photos

from boxmask import remote
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.work_folder import WorkFolder
from boxmask.remote import Url, fetch

_NEEDS = 'needs an S3 client and server: pip install "boxmask[remote]" "moto[server]"'
s3fs = pytest.importorskip("s3fs", reason=_NEEDS)
moto_server = pytest.importorskip("moto.server", reason=_NEEDS)
serving = pytest.importorskip("werkzeug.serving", reason=_NEEDS)

# The libraries' own warnings, of what the next Python will no longer have.
pytestmark = pytest.mark.filterwarnings("default")
BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
Environ = dict[str, Any]
_numbers = count()


class Bucket:
    """A server of which every third answer to a GET is that it is busy; always so for some."""

    def __init__(self) -> None:
        self.app = moto_server.DomainDispatcherApplication(moto_server.create_backend_app)
        self.busy = ""  # the end of the paths that are never answered
        self.asked: list[str] = []
        self.name = f"bucket-{next(_numbers)}"  # the servers of a process share their buckets
        self.server = serving.make_server("127.0.0.1", 0, self, threaded=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __call__(self, environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] == "GET" and path.endswith(".png"):
            self.asked.append(path)
            if len(self.asked) % 3 == 0 or (self.busy and path.endswith(self.busy)):
                start("503 Slow Down", [("Content-Type", "application/xml")])
                return [BUSY]
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
    remote._store.cache_clear()
    yield bucket
    bucket.server.shutdown()
    remote._store.cache_clear()


def uploaded(job: AnnotateJob, bucket: Bucket) -> AnnotateJob:
    """Put the images of a job into a bucket, and return the job that reads them there."""
    store = s3fs.S3FileSystem()
    store.mkdir(bucket.name)
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
