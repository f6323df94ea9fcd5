"""Each policy for image files, tested on a file that has exactly that one defect."""

import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from picture_files import HEIGHT, WIDTH, Pixels, picture, save
from PIL import Image

from boxmask.faults import IMAGE_FAULTS, ImageFault
from boxmask.images import load_image


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def reason(folder: Path, name: str, **options: Any) -> str:
    """The reason of the fault that loading raises; its text says so too."""
    with pytest.raises(ImageFault) as caught:
        load_image(folder, name, **options)
    assert caught.value.reason in IMAGE_FAULTS
    assert caught.value.reason in str(caught.value)
    return caught.value.reason


def test_an_rgb_image_comes_back_as_it_is_and_can_be_written_to(tmp_path: Path) -> None:
    name = save(tmp_path / "a.png", picture())
    loaded = load_image(tmp_path, name, width=WIDTH, height=HEIGHT)
    assert np.array_equal(loaded, picture())
    assert loaded.flags.writeable and loaded.flags.c_contiguous and loaded.dtype == np.uint8


def test_a_missing_image_a_folder_and_a_pipe_are_missing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    for name in ("none.jpg", "folder", "file/below.jpg", "pipe", ".", "", "\ud800.jpg"):
        assert reason(tmp_path, name) == "image missing", name


def test_a_name_too_long_for_the_system_cannot_be_read(tmp_path: Path) -> None:
    assert reason(tmp_path, "a" * 5000) == "image cannot be read"


def test_an_empty_image_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    assert reason(tmp_path, "a.jpg") == "image empty"


@pytest.mark.parametrize("content", [b"hello, this is text", b"<html></html>", b"\0" * 99])
def test_something_else_is_not_an_image(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert reason(tmp_path, "a.jpg") == "not an image"


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp", "gif", "webp"])
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_truncated_image_is_truncated(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"a.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    save(path, noise)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert reason(tmp_path, path.name) == "image truncated or damaged"


def test_damaged_data_inside_an_image_is_damaged(tmp_path: Path) -> None:
    name = save(tmp_path / "a.png", picture())
    content = bytearray((tmp_path / name).read_bytes())
    content[content.index(b"IDAT") + 6] ^= 0xFF
    (tmp_path / name).write_bytes(bytes(content))
    assert reason(tmp_path, name) == "image truncated or damaged"


def test_too_many_pixels_is_our_own_limit_and_leaves_that_of_pillow_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = save(tmp_path / "a.png", picture())
    limit = WIDTH * HEIGHT
    assert reason(tmp_path, name, max_pixels=limit - 1) == "image has too many pixels"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert load_image(tmp_path, name, max_pixels=limit).shape == (HEIGHT, WIDTH, 3)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_a_header_that_promises_gigapixels_costs_nothing(tmp_path: Path) -> None:
    name = save(tmp_path / "a.png", picture())
    content = bytearray((tmp_path / name).read_bytes())
    content[16:24] = struct.pack(">II", 60000, 60000)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    (tmp_path / name).write_bytes(bytes(content))
    assert reason(tmp_path, name) == "image has too many pixels"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_the_stated_size_decides_about_rotation(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    stored = picture()
    plain = save(tmp_path / f"plain.{suffix}", stored)
    name = save(tmp_path / f"a.{suffix}", stored, exif=oriented(orientation))
    stored = load_image(tmp_path, plain)
    upright = upright_of(stored, orientation)

    as_stored = load_image(tmp_path, name, width=WIDTH, height=HEIGHT)
    assert np.array_equal(as_stored, stored)
    assert np.array_equal(load_image(tmp_path, name), stored)
    assert np.array_equal(load_image(tmp_path, name, rotated_if_unsized=True), upright)
    assert np.array_equal(load_image(tmp_path, name, exif="rotated"), upright)
    if orientation >= 5:
        turned = load_image(tmp_path, name, width=HEIGHT, height=WIDTH)
        assert np.array_equal(turned, upright)
    else:
        assert reason(tmp_path, name, width=HEIGHT, height=WIDTH) == "size mismatch"


def upright_of(stored: Pixels, orientation: int) -> Pixels:
    """What each orientation means, written with array flips (EXIF 2.3, tag 0x0112)."""
    swapped = stored.transpose(1, 0, 2)
    return {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: swapped,
        6: swapped[:, ::-1],
        7: swapped[::-1, ::-1],
        8: swapped[::-1],
    }[orientation]


def test_another_size_than_stated_is_a_mismatch_whatever_the_override(tmp_path: Path) -> None:
    name = save(tmp_path / "a.jpg", picture(), exif=oriented(6))
    assert reason(tmp_path, name, width=99, height=9) == "size mismatch"
    assert reason(tmp_path, name, width=HEIGHT, height=WIDTH, exif="stored") == "size mismatch"
    assert reason(tmp_path, name, width=WIDTH, height=HEIGHT, exif="rotated") == "size mismatch"
    with pytest.raises(ImageFault, match="the dataset says 99 x 9, the file holds"):
        load_image(tmp_path, name, width=99, height=9)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_does_not_cost_the_image(tmp_path: Path) -> None:
    name = save(tmp_path / "a.jpg", picture(), exif=b"Exif\0\0II*\0garbage")
    assert load_image(tmp_path, name, rotated_if_unsized=True).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("name", ["/etc/a.jpg", "../a.jpg", "x/../../a.jpg", "..", "a\0.jpg"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "images").mkdir()
    save(tmp_path / "a.jpg", picture())
    assert reason(tmp_path / "images", name) == "file name leaves the image folder"


def test_dots_that_stay_inside_are_fine_and_never_go_through_a_link(tmp_path: Path) -> None:
    images, elsewhere = tmp_path / "images", tmp_path / "elsewhere" / "deep"
    images.mkdir()
    elsewhere.mkdir(parents=True)
    (images / "link").symlink_to(elsewhere)
    save(images / "a.png", picture())
    save(elsewhere.parent / "a.png", 255 - picture())
    assert np.array_equal(load_image(images, "link/../a.png"), picture())


def test_links_that_the_owner_of_the_folder_made_are_followed(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "images").mkdir()
    save(tmp_path / "store" / "a.png", picture())
    (tmp_path / "images" / "sub").symlink_to(tmp_path / "store")
    (tmp_path / "images" / "b.png").symlink_to(tmp_path / "store" / "a.png")
    (tmp_path / "linked").symlink_to(tmp_path / "images")
    for name in ("sub/a.png", "b.png"):
        assert np.array_equal(load_image(tmp_path / "linked", name), picture())


def test_many_threads_decode_at_once(tmp_path: Path) -> None:
    names = [save(tmp_path / f"{i}.png", np.roll(picture(), i, axis=1)) for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda name: load_image(tmp_path, name), names * 8))
    for i, pixels in enumerate(loaded):
        assert np.array_equal(pixels, np.roll(picture(), i % 8, axis=1))
