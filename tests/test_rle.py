"""Run lengths, held against pycocotools on masks of the whole image."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mask_files import whole
from pycocotools import mask as coco

from boxmask import rle
from boxmask.errors import InputError
from boxmask.geometry import paste
from boxmask.window import Window

Bits = npt.NDArray[np.bool_]
Box = tuple[float, float, float, float]

# pycocotools.mask.decode of 2.0.11 under numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@st.composite
def images(draw: st.DrawFn, longest: int = 11) -> Bits:
    """A mask of a whole image (H, W): empty, full, or any bits."""
    height, width = draw(st.integers(1, longest)), draw(st.integers(1, longest))
    shape = (height, width)
    return draw(
        st.sampled_from([np.zeros(shape, np.bool_), np.ones(shape, np.bool_)])
        | arrays(np.bool_, shape)
    )


@st.composite
def boxes(draw: st.DrawFn, width: int, height: int) -> Box:
    """A box whose corners lie within the image or a little outside, on halves of pixels."""
    x0, y0 = draw(st.integers(-4, 2 * width - 1)), draw(st.integers(-4, 2 * height - 1))
    x1, y1 = draw(st.integers(x0 + 1, 2 * width + 4)), draw(st.integers(y0 + 1, 2 * height + 4))
    return x0 / 2, y0 / 2, x1 / 2, y1 / 2


def compress(image: Bits) -> dict[str, Any]:
    """What pycocotools makes of a mask, as it stands in a JSON file."""
    written = coco.encode(np.asfortranarray(image, dtype=np.uint8))
    return {"size": list(image.shape), "counts": written["counts"].decode()}


def plain(image: Bits) -> dict[str, Any]:
    """The uncompressed RLE of a mask, counted pixel by pixel."""
    counts = [0]
    for pixel in image.ravel(order="F").tolist():
        if pixel != (len(counts) % 2 == 0):
            counts.append(0)
        counts[-1] += 1
    return {"size": list(image.shape), "counts": counts}


@settings(deadline=None, max_examples=400)
@given(image=images(), data=st.data())
def test_counts_from_the_window_are_byte_for_byte_those_of_the_whole_image(
    image: Bits, data: st.DataObject
) -> None:
    height, width = image.shape
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    w, h = data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y))
    window = Window(x, y, image[y : y + h, x : x + w].T)
    counts = rle.encode(window, width=width, height=height)
    assert counts.decode() == compress(whole(window, *image.shape[::-1]))["counts"]


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000)])
@pytest.mark.parametrize("box", [(0, 0, 4000, 3000), (10.5, 0, 90, 3000), (2990, 2950, 3000, 3000)])
def test_twelve_megapixels_are_encoded_as_pycocotools_does(size: tuple[int, int], box: Box) -> None:
    width, height = size
    probability = np.random.default_rng(0).random((32, 32), dtype=np.float32)
    window = paste(probability, box, width=width, height=height)
    counts = rle.encode(window, width=width, height=height)
    assert counts.decode() == compress(whole(window, width, height))["counts"]


@pytest.mark.parametrize("bits", [0, 1])
@pytest.mark.parametrize("size", [(1, 1), (4000, 3000)])
def test_empty_and_full_windows_are_encoded_as_pycocotools_does(
    bits: int, size: tuple[int, int]
) -> None:
    width, height = size
    window = Window(0, 0, np.full((width, height), bits, dtype=np.bool_))
    counts = rle.encode(window, width=width, height=height)
    assert counts.decode() == compress(window.bits.T)["counts"]


def test_runs_start_with_background_and_go_down_the_columns() -> None:
    window = Window(0, 0, np.array([[0, 0, 1, 1, 1, 0, 1]], dtype=np.bool_))
    assert rle.runs(window, width=1, height=7).tolist() == [2, 3, 1, 1]
    wide = Window(1, 0, np.array([[1, 1], [0, 1]], dtype=np.bool_))
    assert rle.runs(wide, width=3, height=2).tolist() == [2, 2, 1, 1]
    assert rle.runs(wide, width=3, height=3).tolist() == [3, 2, 2, 1, 1]


@settings(deadline=None, max_examples=200)
@given(images(longest=40))
def test_compressed_and_uncompressed_rle_are_read_alike(image: Bits) -> None:
    height, width = image.shape
    counts = plain(image)["counts"]
    assert rle.segmentation_runs(plain(image), width=width, height=height).tolist() == counts
    assert rle.segmentation_runs(compress(image), width=width, height=height).tolist() == counts


@settings(deadline=None, max_examples=300)
@given(
    width=st.integers(1, 30),
    height=st.integers(1, 30),
    polygons=st.lists(
        st.lists(
            st.tuples(*[st.floats(-40, 70) | st.integers(-90, 160).map(lambda n: n / 10)] * 2),
            min_size=3,
            max_size=6,
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_polygons_are_united_as_pycocotools_draws_them(
    width: int, height: int, polygons: list[list[tuple[float, float]]]
) -> None:
    flat = [[side for point in polygon for side in point] for polygon in polygons]
    expected = coco.decode(coco.frPyObjects(flat, height, width)).any(axis=2)
    counts = rle.segmentation_runs(flat, width=width, height=height)
    box = (0.0, 0.0, float(width), float(height))
    window = rle.runs_window(counts, width=width, height=height, box=box)
    assert np.array_equal(window.bits.T, expected)


@settings(deadline=None, max_examples=300)
@given(image=images(), data=st.data())
def test_a_window_is_the_part_of_the_mask_that_its_box_touches_and_a_pixel_more(
    image: Bits, data: st.DataObject
) -> None:
    height, width = image.shape
    box = data.draw(boxes(width, height))
    window = rle.decode_window(compress(image), width=width, height=height, box=box)
    rows, columns = np.mgrid[:height, :width]
    across = (columns + 2 > box[0]) & (columns - 1 < box[2])
    down = (rows + 2 > box[1]) & (rows - 1 < box[3])
    near = across & down
    assert window.bits.size == near.sum()
    assert np.array_equal(whole(window, *image.shape[::-1]), image & near)


@settings(deadline=None, max_examples=200)
@given(images())
def test_a_tight_window_holds_the_whole_mask_and_at_most_a_pixel_around_it(image: Bits) -> None:
    height, width = image.shape
    counts = rle.segmentation_runs(compress(image), width=width, height=height)
    window = rle.tight_window(counts, width=width, height=height)
    if not image.any():
        assert window is None
        return
    assert window is not None
    assert np.array_equal(whole(window, width, height), image)
    _, _, w, h = rle.bounding_box(counts, height=height)
    assert (np.array(window.bits.shape) <= [w + 2, h + 2]).all()


@settings(deadline=None, max_examples=200)
@given(images())
@example(np.ones((5, 3), np.bool_))
@example(np.array([[1, 1, 0], [0, 1, 0]], np.bool_))
def test_area_and_bounds_are_those_of_pycocotools(image: Bits) -> None:
    height, width = image.shape
    counts = rle.segmentation_runs(compress(image), width=width, height=height)
    rows, columns = np.nonzero(image)
    corner = (columns.min(), rows.min()) if len(rows) else (0, 0)
    size = (np.ptp(columns) + 1, np.ptp(rows) + 1) if len(rows) else (0, 0)
    assert rle.area(counts) == coco.area(compress(image)) == image.sum()
    assert rle.bounding_box(counts, height=height) == (*corner, *size)


def test_runs_of_no_length_are_read_as_nothing() -> None:
    segmentation = {"size": [2, 3], "counts": [1, 0, 2, 1, 0, 1, 1, 0]}
    counts = rle.segmentation_runs(segmentation, width=3, height=2)
    window = rle.runs_window(counts, width=3, height=2, box=(0, 0, 3, 2))
    assert window.bits.ravel().tolist() == [False, False, False, True, True, False]
    assert rle.area(counts) == 2
    assert rle.bounding_box(counts, height=2) == (1, 0, 2, 2)


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        (None, "NoneType"),
        ("2010", "a str"),
        ([], "is empty"),
        ([1, 2, 3, 4, 5, 6], "polygon 0"),
        ([[0, 0, 1, 1]], "polygon 0 of 4 numbers"),
        ([[0, 0, 2, 0, 2, 2], [0, 0, 1, 1, 2, 2, 3]], "polygon 1 of 7 numbers"),
        ([[0, 0, 2, 0, 2, float("nan")]], "polygon 0 with a coordinate"),
        ([[0, 0, 2, 0, 2, 1e300]], "polygon 0 with a coordinate"),
        ([[0, 0, 2, 0, 2, -(2**63)]], "polygon 0 with a coordinate"),
        ([["0", "0", "2", "0", "2", "2"]], "flat list of numbers"),
        ([[[0, 0], [2, 0], [2, 2]]], "flat list of numbers"),
        ([[0, 0, [2], 0, 2, 2]], "flat list of numbers"),
        ({"size": [4, 3]}, "NoneType"),
        ({"counts": [12]}, "size None"),
        ({"size": [3, 4], "counts": [12]}, r"size \[3, 4\], the image is \[4, 3\]"),
        ({"size": [4, 3], "counts": [5, 5]}, "12 pixels"),
        ({"size": [4, 3], "counts": [15, -3]}, "12 pixels"),
        ({"size": [4, 3], "counts": [2**62, 2**62, 2**62, 2**62, 12]}, "12 pixels"),
        ({"size": [4, 3], "counts": [6.5, 5.5]}, "whole numbers"),
        ({"size": [4, 3], "counts": []}, "whole numbers"),
        ({"size": [4, 3], "counts": ""}, "compressed RLE"),
        ({"size": [4, 3], "counts": "5 7"}, "compressed RLE"),
        ({"size": [4, 3], "counts": "é"}, "compressed RLE"),
        ({"size": [4, 3], "counts": "5P"}, "compressed RLE"),
        ({"size": [4, 3], "counts": "PPPPPPPPPPP0"}, "32 bits"),
        ({"size": [4, 3], "counts": "55"}, "12 pixels"),
    ],
)
def test_a_segmentation_that_is_none_is_refused_by_what_is_wrong_with_it(
    segmentation: object, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        rle.segmentation_runs(segmentation, width=3, height=4)


@settings(deadline=None, max_examples=300)
@given(st.text(st.characters(min_codepoint=40, max_codepoint=120)) | st.text() | st.binary())
@example("?" * 40)
def test_any_text_of_counts_is_read_whole_or_refused(counts: str | bytes) -> None:
    try:
        runs = rle.segmentation_runs({"size": [4, 3], "counts": counts}, width=3, height=4)
    except InputError:
        return
    assert runs.min() >= 0
    assert runs.sum() == 12


@pytest.mark.parametrize("corners", [100, 20_000])
def test_a_polygon_that_would_cost_gigabytes_is_refused_before_memory_is_asked_for(
    corners: int,
) -> None:
    points = [side for k in range(corners) for side in ((-1) ** k * 99_000, k % 7)]
    with pytest.raises(InputError, match=r"outlines of .* pixels together, more than 5000000"):
        rle.segmentation_runs([points], width=10, height=10)
    with pytest.raises(InputError, match="outlines of"):  # also in many small ones
        rle.segmentation_runs([points[:40]] * 10, width=10, height=10)


def test_an_image_of_impossible_size_is_refused_before_its_mask_is_decoded() -> None:
    side = 70_000
    whole = {"size": [side, side], "counts": [0, side * side]}
    with pytest.raises(InputError, match="70000 x 70000, more than"):
        rle.segmentation_runs(whole, width=side, height=side)
