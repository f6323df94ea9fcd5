"""An image with many boxes is decoded once; of its reductions only what is looked at is made."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotation_files import annotate, boxes_of, make_job, output
from PIL import Image

from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.shared_images import SharedImages
from boxmask.annotate.workload import Workload
from boxmask.faults import ImageFault
from boxmask.images import Coarsest
from boxmask.images.turns import Turns
from boxmask.models.zoom import PADDING_GREY, ImagePyramid

Hold = Callable[[int], AbstractContextManager[None]]


class Opening:
    """A workload of one image with so many boxes, which counts how often it is open."""

    def __init__(self, boxes: int, *, faulty: bool = False) -> None:
        self.boxes, self.faulty = boxes, faulty
        self.opened_so_far = self.open = 0

    def rows_wanted(self, image: int) -> range:
        return range(self.boxes)

    @contextmanager
    def opened(self, image: int, coarsest: Coarsest, hold: Hold) -> Iterator[Any]:
        self.opened_so_far += 1
        if self.faulty:
            raise ImageFault("not an image", Path("one.jpg"), "no known format")
        with hold(16):
            self.open += 1
            yield ImagePyramid(np.zeros((4, 4, 3), np.uint8))
            self.open -= 1


def whole(size: tuple[int, int]) -> int:
    return 1


def shared_images(workload: Any, at_once: int | None) -> SharedImages:
    return SharedImages(workload, [0], at_once=at_once)


@pytest.mark.parametrize(("boxes", "at_once", "batches"), [(10, 3, 4), (9, 3, 3), (5, None, 1)])
def test_an_image_is_opened_for_its_first_batch_and_let_go_with_its_last(
    boxes: int, at_once: int | None, batches: int
) -> None:
    workload = Opening(boxes)
    with shared_images(workload, at_once) as images:
        for batch in range(batches):
            with images.opened(0, whole) as pyramid:
                assert pyramid.shape == (4, 4, 3) and workload.open == 1
            assert workload.open == (batch < batches - 1)
        assert workload.opened_so_far == 1


def test_threads_share_an_image() -> None:
    workload = Opening(64)

    def use(_: int) -> int:
        with images.opened(0, whole) as pyramid:
            return id(pyramid)

    with shared_images(workload, 2) as images, ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(use, range(32)))) == 1
    assert (workload.opened_so_far, workload.open) == (1, 0)


def test_a_broken_run_lets_go_of_its_images() -> None:
    workload = Opening(4)
    with pytest.raises(KeyboardInterrupt), shared_images(workload, 1) as images:
        with images.opened(0, whole):
            pass
        assert workload.open == 1
        raise KeyboardInterrupt
    assert workload.open == 0


def test_every_batch_of_an_image_that_cannot_be_used_is_told() -> None:
    workload = Opening(4, faulty=True)
    with shared_images(workload, 2) as images:
        for _ in range(2):
            with pytest.raises(ImageFault), images.opened(0, whole):
                pass
    assert workload.opened_so_far == 1


def test_a_run_decodes_each_image_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: Counter[str] = Counter()
    opened = Workload.opened

    def noted(self: Workload, image: int, coarsest: Coarsest, hold: Hold) -> Any:
        decoded[self.dataset.file_names[image]] += 1
        return opened(self, image, coarsest, hold)

    monkeypatch.setattr(Workload, "opened", noted)
    job = make_job(tmp_path, batch_boxes=1, tightness=0.0)
    annotate(job)
    images = {one["image_id"] for one in output(job)["annotations"]}
    assert set(decoded.values()) == {1} and len(decoded) == len(images)


def crowded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AnnotateJob:
    """A job of an image with one box, found late, and one with many; there is room for one."""
    data = boxes_of(2, 24)
    data["annotations"] = [one for one in data["annotations"] if one["image_id"] or not one["id"]]
    opened = Workload.opened

    def late(self: Workload, image: int, coarsest: Coarsest, hold: Hold) -> Any:
        time.sleep(0.2 * (image == 0))
        return opened(self, image, coarsest, hold)

    monkeypatch.setattr(Workload, "opened", late)
    monkeypatch.setattr("boxmask.annotate.shared_images.hold_pixels", Turns(1500).hold)
    return make_job(folder, data, batch_boxes=1, decoders=2, tightness=0.0)


def test_images_get_room_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = crowded(tmp_path, monkeypatch)
    run = threading.Thread(target=annotate, args=[job], daemon=True)
    run.start()
    run.join(100)
    assert not run.is_alive(), "the run hangs"
    assert len(output(job)["annotations"]) == 25


@pytest.mark.parametrize("factors", [(1, 1), (2, 1), (2, 2), (2, 4), (8, 8)], ids=str)
@pytest.mark.parametrize("looks", [1, 40], ids=["few", "many"])
def test_a_patch_is_cut_from_the_whole_image_reduced(factors: tuple[int, int], looks: int) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (61, 83, 3), np.uint8)
    picture = Image.fromarray(image)
    if min(factors) > 1:  # by way of the half
        picture, factors_left = picture.reduce(2), (factors[0] // 2, factors[1] // 2)
        whole = np.asarray(picture.reduce(factors_left))
    else:
        whole = np.asarray(picture.reduce(factors))
    margin = 250
    padded = np.pad(
        whole, ((margin, margin), (margin, margin), (0, 0)), constant_values=PADDING_GREY
    )
    pyramid = ImagePyramid(image)
    for _ in range(looks):
        left, top = rng.integers(-60, 90, 2).tolist()
        right, bottom = left + int(rng.integers(1, 70)), top + int(rng.integers(1, 70))
        patch = pyramid.patch(factors, left, top, right, bottom)
        wanted = padded[top + margin : bottom + margin, left + margin : right + margin]
        assert np.array_equal(patch, wanted[: bottom - top, : right - left])
    assert (factors in pyramid._levels) == (looks > 1 or factors == (1, 1))
