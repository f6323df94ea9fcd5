"""Every size is bounded before memory is asked for: packed files, wide samples, many threads."""

import gzip
import json
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from annotation_files import annotate, boxes_of, make_job, photos, workload_of
from PIL import Image

from boxmask.data import read
from boxmask.data.raw import document
from boxmask.errors import InputError
from boxmask.faults import ImageFault
from boxmask.images.rgb import to_rgb
from boxmask.images.turns import Turns


def test_a_gzip_file_that_unpacks_to_more_than_a_box_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "boxes.json.gz"
    monkeypatch.setattr(document, "_UNPACKED", 1 << 20)
    monkeypatch.setattr(document, "_PIECE", 1 << 16)
    bomb = gzip.compress(b'{"images": [' + b" " * (64 << 20))
    # Its size is no excuse: what makes it large comes after.
    path.write_bytes(bomb + gzip.compress(np.random.default_rng(0).bytes(1 << 20)))
    tracemalloc.start()
    with pytest.raises(InputError, match=r"unpacks to more than 1,048,576 bytes and 200 times"):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 40 << 20
    tracemalloc.stop()
    path.write_bytes(gzip.compress(json.dumps(boxes_of(2, 2)).encode()))
    assert len(read(path).boxes) == 4


@pytest.mark.parametrize("kind", ["uint16", "int32", "float32"])
def test_wide_samples_are_scaled_as_if_all_at_once_in_little_memory(kind: str) -> None:
    random = np.random.default_rng(0)
    for top in (1, 60_000, 200_000):
        samples = (random.random((900, 700)) * min(top, np.iinfo(np.uint16).max)).astype(kind)
        if kind == "float32":
            samples[3, 4], samples[5, 6] = np.nan, np.inf
        image = Image.fromarray(samples)
        values = np.nan_to_num(samples.astype(np.float32), posinf=0.0, neginf=0.0)
        low, high, most = (
            float(values.min()),
            float(values.max()),
            1.0 if kind == "float32" else 65535.0,
        )
        low, high = (0.0, most) if low >= 0 and high <= most else (low, high)
        grey = np.rint((values - low) * np.float32(255 / max(high - low, 1e-12))).astype(np.uint8)
        tracemalloc.start()
        found = to_rgb(image)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert np.array_equal(found, np.repeat(grey[:, :, None], 3, axis=2))
        assert peak < 14 * samples.size  # the samples, the result, and some rows


def test_threads_hold_no_more_pixels_than_they_may_together() -> None:
    turns, held, most, lock = Turns(100), 0, 0, threading.Lock()
    started = threading.Barrier(4)

    def use(pixels: int) -> None:
        nonlocal held, most
        with turns.hold(pixels):
            with lock:
                held += pixels
                most = max(most, held)
            with lock:
                held -= pixels

    def several(number: int) -> None:
        started.wait()
        for k in range(50):
            use(30 + (number + k) % 30)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(several, range(4)))
    assert 0 < most <= 100
    use(1000)  # one larger than all is let in alone
    with pytest.raises(ValueError, match="broken"), turns.hold(100):
        raise ValueError("broken")
    use(100)  # what failed holds nothing any more


def test_an_image_is_held_while_it_is_in_use(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    workload = workload_of(job)
    with workload.opened(0) as pixels:
        assert pixels.shape == (30, 40, 3)
    (photos(job) / "1.png").unlink()
    with pytest.raises(ImageFault, match="image missing"), workload.opened(1):
        pass
    assert annotate(job).tally.reasons == {"image missing": 3}
