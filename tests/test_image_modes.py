"""Every mode of an image file becomes 8-bit RGB with the right values."""

import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from picture_files import HEIGHT, WIDTH, picture, save
from PIL import Image

from boxmask.images import load_image


def png_of(samples: npt.NDArray[np.uint16], color_type: int) -> bytes:
    """A 16-bit PNG, which Pillow itself cannot write in colour; samples (H, W, channels)."""
    height, width = samples.shape[:2]
    rows = samples.astype(">u2").reshape(height, -1).view(np.uint8)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_grayscale_becomes_three_equal_channels(tmp_path: Path, mode: str) -> None:
    name = save(tmp_path / "a.png", picture(), mode)
    gray = np.asarray(Image.open(tmp_path / name).convert("L"))
    assert np.array_equal(load_image(tmp_path, name), gray[:, :, None].repeat(3, axis=2))


def test_a_palette_is_looked_up_with_and_without_transparency(tmp_path: Path) -> None:
    colours = picture()[:4, :4]
    image = Image.fromarray(colours).quantize(16)
    expected = np.asarray(image.convert("RGB"))
    image.save(tmp_path / "a.png")
    image.save(tmp_path / "b.png", transparency=bytes(range(0, 160, 10)))
    image.save(tmp_path / "c.gif", transparency=3)
    for name in ("a.png", "b.png", "c.gif"):
        assert np.array_equal(load_image(tmp_path, name), expected), name


def test_alpha_is_dropped_and_the_colours_stay(tmp_path: Path) -> None:
    alpha = np.arange(WIDTH * HEIGHT, dtype=np.uint8).reshape(HEIGHT, WIDTH, 1)
    Image.fromarray(np.concatenate([picture(), alpha], axis=2)).save(tmp_path / "a.png")
    assert np.array_equal(load_image(tmp_path, "a.png"), picture())


def test_cmyk_as_adobe_writes_it_is_not_inverted(tmp_path: Path) -> None:
    name = save(tmp_path / "a.jpg", picture(), "CMYK", quality=100)
    assert b"Adobe" in (tmp_path / name).read_bytes()
    assert np.abs(load_image(tmp_path, name).astype(int) - picture()).max() < 12
    name = save(tmp_path / "a.tif", picture(), "CMYK")
    assert np.abs(load_image(tmp_path, name).astype(int) - picture()).max() <= 1


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_16_bit_grayscale_is_scaled_and_not_cut(tmp_path: Path, suffix: str) -> None:
    ramp = np.linspace(0, 65535, WIDTH * HEIGHT).astype(np.uint16).reshape(HEIGHT, WIDTH)
    Image.fromarray(ramp).save(tmp_path / f"a.{suffix}")
    expected = np.rint(ramp / 257.0)
    loaded = load_image(tmp_path, f"a.{suffix}")
    assert np.array_equal(loaded, np.repeat(expected[:, :, None], 3, axis=2))


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_16_bit_colour_and_alpha_are_scaled_and_not_cut(tmp_path: Path, channels: int) -> None:
    values = np.arange(HEIGHT * WIDTH * channels) * 40 % 65536
    samples = values.astype(np.uint16).reshape(HEIGHT, WIDTH, channels)
    color_type = {2: 4, 3: 2, 4: 6}[channels]
    (tmp_path / "a.png").write_bytes(png_of(samples, color_type))
    colours = samples[:, :, :1] if channels == 2 else samples[:, :, :3]
    error = load_image(tmp_path, "a.png").astype(float) - colours / 257.0
    assert np.abs(error).max() <= 1


def test_samples_without_a_fixed_range_are_read_by_their_own(tmp_path: Path) -> None:
    ramp = np.linspace(-50, 350, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH)
    ramp[3, 3] = np.nan
    Image.fromarray(ramp).save(tmp_path / "wide.tif")
    Image.fromarray(np.clip(ramp / 400, 0, 1)).save(tmp_path / "unit.tif")
    Image.fromarray(np.zeros_like(ramp)).save(tmp_path / "zero.tif")
    wide = load_image(tmp_path, "wide.tif")
    assert (wide.min(), wide.max()) == (0, 255)
    assert load_image(tmp_path, "unit.tif").max() == round(350 / 400 * 255)
    assert load_image(tmp_path, "zero.tif").max() == 0


@pytest.mark.parametrize(
    ("mode", "white"),
    [("LAB", (255, 128, 128)), ("YCbCr", (255, 128, 128)), ("CMYK", (0, 0, 0, 0))],
)
def test_other_colour_spaces_become_rgb(tmp_path: Path, mode: str, white: tuple[int, ...]) -> None:
    Image.new(mode, (4, 4), white).save(tmp_path / "a.tif")
    assert load_image(tmp_path, "a.tif").min() >= 254


def test_the_first_frame_of_an_animation_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert load_image(tmp_path, "a.gif")[0, 0].tolist() == [255, 0, 0]
