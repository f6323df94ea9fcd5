"""Images, boxes and outputs in a bucket of Google's, by a stand-in that is busy now and then."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from annotation_files import annotate, boxes_of, make_job, photos
from gcs_stand_in import StandIn

from boxmask import front, remote
from boxmask.annotate.delivery import places_of
from boxmask.errors import ConfigError, RunError
from boxmask.remote import Url

# Else it asks Google, by a way of its own, what kind of a bucket it is.
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
fsspec = pytest.importorskip("fsspec")
gcsfs = pytest.importorskip("gcsfs", reason='needs gcsfs: pip install "boxmask[remote]"')
pytestmark = pytest.mark.filterwarnings("default")  # those of its libraries are not ours


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A bucket that the environment leads to."""
    stand_in = StandIn(busy_every=11)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", stand_in.address)
    monkeypatch.setitem(fsspec.config.conf, "gcs", {"token": "anon"})  # else it looks for a key
    monkeypatch.setattr("gcsfs.retry.asyncio.sleep", _at_once)
    gcsfs.GCSFileSystem.clear_instance_cache()
    remote.open_store.cache_clear()
    yield stand_in
    stand_in.server.shutdown()
    stand_in.server.server_close()
    remote.open_store.cache_clear()


_sleep = asyncio.sleep


async def _at_once(_: float) -> None:
    """Let others go on, and do not wait."""
    await _sleep(0)


def test_images_boxes_and_output_in_a_bucket(tmp_path: Path, google: StandIn) -> None:
    job = make_job(tmp_path, boxes_of(4, 3))
    annotate(job)
    for path in photos(job).iterdir():
        google.put(f"photos/{path.name}", path.read_bytes())
    google.put("boxes.json", job.boxes.read_bytes())
    given: dict[str, Any] = {"weights": job.weights, "shard_boxes": 4, "batch_boxes": 8}
    given["threads"] = 1
    summary = front.annotate(
        "gs://bucket/boxes.json",
        images="gs://bucket/photos",
        out="gs://bucket/some/masks.json",
        state=tmp_path / "state",
        mask_png="gs://bucket/png",
        **given,
    )
    assert summary.out == "gs://bucket/some/masks.json"
    assert google.objects["some/masks.json"] == job.out.read_bytes()
    assert sum(name.startswith("png/") for name in google.objects) == 12
    report = front.check("gs://bucket/boxes.json", "gs://bucket/some/masks.json")
    assert report.holds and google.asked > 22


def test_an_object_of_somebody_else_is_kept(tmp_path: Path, google: StandIn) -> None:
    near = make_job(tmp_path)
    job = replace(
        near,
        **places_of(Url("gs://bucket/masks.json"), {}, tmp_path / "state", boxes=near.boxes),
    )
    annotate(job)
    assert annotate(job).already_done
    google.put("masks.json", b"mine")
    with pytest.raises(RunError, match="has been changed since this run put it there"):
        annotate(job)
    assert google.objects["masks.json"] == b"mine"
    annotate(replace(job, fresh=True))
    assert google.objects["masks.json"] == job.out.read_bytes()


def test_a_bucket_that_is_not_there_is_told_before_any_work(
    tmp_path: Path, google: StandIn
) -> None:
    job = make_job(tmp_path)
    with pytest.raises(ConfigError, match="there is no bucket 'none'"):
        front.annotate(job.boxes, images=photos(job), out="gs://none/masks.json")
