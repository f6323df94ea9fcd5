"""Pictures of masks: what is chosen, what is drawn, and which files are left alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from boxmask.cli import app
from boxmask.errors import ConfigError
from boxmask.overlay import colour
from boxmask.show import Show
from boxmask.show import show as draw

GREY = 128
SIDE = 40
SQUARE = [[10, 10, 30, 10, 30, 30, 10, 30]]


def write_file(folder: Path, **changes: Any) -> Path:
    """Write three grey images; the first two hold a mask and a skipped box each."""
    (folder / "images").mkdir(exist_ok=True)
    images, annotations = [], []
    for number, name in enumerate(["a.png", "b.png", "c.png"], start=1):
        Image.new("RGB", (SIDE, SIDE), (GREY,) * 3).save(folder / "images" / name)
        images.append({"id": number, "file_name": name, "width": SIDE, "height": SIDE})
    for number in (1, 2):
        mark = {"status": "ok", "predicted_iou": 1 - number / 10}
        box = {"image_id": number, "category_id": 7, "bbox": [10, 10, 20, 20]}
        annotations.append(box | {"id": number, "segmentation": SQUARE, "boxmask": mark})
        annotations.append(box | {"id": 10 + number, "bbox": [0, 0, 5, 5]})
    data: dict[str, Any] = {"images": images, "annotations": annotations}
    data["categories"] = [{"id": 7, "name": "thing"}]
    path = folder / "masks.json"
    path.write_text(json.dumps(data | changes))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_file(tmp_path)


def show(file: Path, *options: str) -> Result:
    return CliRunner().invoke(
        app, ["show", str(file), "--images", str(file.parent / "images"), *options]
    )


def pixels(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(Image.open(path).convert("RGB"))


def test_a_sheet_shows_every_image_that_has_boxes(file: Path) -> None:
    out = file.parent / "sheet.png"
    plain = ["--no-boxes", "--labels", "none", "--no-captions"]
    result = show(file, "--out", str(out), "--height", str(SIDE), *plain)
    assert result.stdout == f"{out}: 2 images, 2 masks\n", result.output
    sheet = pixels(out)
    assert sheet.shape == (SIDE, 2 * SIDE + 4, 3)
    changed = (sheet != GREY).any(axis=2)
    assert changed[10:30, 10:30].all() and changed[:, :SIDE].sum() == 20 * 20
    assert (sheet[:, SIDE : SIDE + 4] == 255).all()


def test_the_sheet_lies_beside_the_file_unless_named(file: Path) -> None:
    assert show(file).exit_code == 0
    assert (file.parent / "masks.jpg").is_file()


def test_boxes_are_drawn_where_they_are(file: Path) -> None:
    out = file.parent / "sheet.png"
    show(file, "--out", str(out), "--height", str(SIDE), "--labels", "none", "--image", "a.png")
    assert tuple(pixels(out)[4, 2]) == tuple(pixels(out)[0, 4]) == colour(1)


def test_turned_boxes_are_drawn_by_their_corners(tmp_path: Path) -> None:
    rows = [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [20, 8, 32, 20, 20, 32, 8, 20]}]
    file = write_file(tmp_path, annotations=rows)
    out = tmp_path / "sheet.png"
    show(file, "--out", str(out), "--height", str(SIDE), "--labels", "none", "--image", "a.png")
    drawn = pixels(out)
    assert tuple(drawn[8, 20]) == tuple(drawn[14, 26]) == colour(0)
    assert tuple(drawn[8, 8]) == (GREY,) * 3


def test_it_can_be_told_what_the_numbers_of_boxes_are(tmp_path: Path) -> None:
    corners = [{"id": k, "image_id": 1, "bbox": [20, 20, 30, 30 + k]} for k in range(4)]
    file = write_file(tmp_path, annotations=corners)
    refused = show(file)
    assert refused.exit_code == 1 and "look like x0, y0, x1, y1" in refused.stderr
    assert show(file, "--bbox", "xyxy").exit_code == 0


def test_a_folder_gets_a_picture_an_image_at_its_size(file: Path) -> None:
    out = file.parent / "pictures"
    result = show(file, "--out", str(out), "--no-captions")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == ["a.png.jpg", "b.png.jpg"]
    assert pixels(out / "a.png.jpg").shape == (SIDE, SIDE, 3)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--image", "a.png"], "1 image, 1 mask"),
        (["--image", "2"], "1 image, 1 mask"),
        (["--image", "[ac].png"], "2 images, 1 mask"),
        (["--limit", "1"], "1 image, 1 mask"),
        (["--id", "12", "--id", "1"], "2 close-ups, 1 mask"),
        (["--worst", "5"], "2 close-ups, 2 masks"),
        (["--worst", "5", "--image", "a.png"], "1 close-up, 1 mask"),
    ],
)
def test_what_is_asked_for_is_shown(file: Path, options: list[str], count: str) -> None:
    result = show(file, *options)
    assert result.stdout.splitlines()[0].endswith(f": {count}"), result.output
    assert ("1 more are not shown" in result.stdout) == ("--limit" in options)


def test_the_worst_comes_first_and_close(file: Path) -> None:
    out = file.parent / "worst"
    show(file, "--worst", "2", "--out", str(out), "--no-captions")
    assert sorted(path.name for path in out.iterdir()) == ["0001-b.png.jpg", "0002-a.png.jpg"]
    close = pixels(out / "0001-b.png.jpg")
    assert 20 < close.shape[0] == close.shape[1] < SIDE


def test_an_image_that_cannot_be_opened_is_named(file: Path) -> None:
    (file.parent / "images" / "a.png").unlink()
    result = show(file)
    assert "1 image, 1 mask" in result.stdout
    assert "1 image left out: image missing\nthe first: " in result.stdout
    assert "a.png: image missing" in result.stdout


def wrong(file: Path) -> dict[str, tuple[list[str], int, str]]:
    folder = file.parent
    return {
        "no file": ([str(folder / "none.json"), "--images", str(folder)], 1, "none.json"),
        "no folder": ([str(file), "--images", "nowhere"], 1, "nowhere: no such folder"),
        "wrong folder": ([str(file), "--images", str(folder)], 1, "no image could be opened"),
        "no such image": ([str(file), "--images", str(folder), "--image", "z"], 1, "'z'"),
        "no such id": ([str(file), "--images", str(folder), "--id", "z"], 1, "'z'"),
        "its own file": (
            [str(file), "--images", str(folder / "images"), "--out", str(file)],
            2,
            "write a picture as .jpg or .png",
        ),
        "an image": (
            [str(file), "--images", str(folder / "images"), "--out", str(folder / "images/a.png")],
            2,
            "was not made by boxmask show",
        ),
    }


@pytest.mark.parametrize(
    "case",
    [
        "no file",
        "no folder",
        "wrong folder",
        "no such image",
        "no such id",
        "its own file",
        "an image",
    ],
)
def test_what_is_wrong_is_named(file: Path, case: str) -> None:
    arguments, status, message = wrong(file)[case]
    before = file.read_bytes(), (file.parent / "images" / "a.png").read_bytes()
    result = CliRunner().invoke(app, ["show", *arguments])
    assert result.exit_code == status and message in result.stderr, result.output
    assert (file.read_bytes(), (file.parent / "images" / "a.png").read_bytes()) == before


def test_the_worst_of_a_file_without_expected_iou_is_an_error(tmp_path: Path) -> None:
    file = write_file(tmp_path)
    data = json.loads(file.read_text())
    for annotation in data["annotations"]:
        annotation.pop("boxmask", None)
    file.write_text(json.dumps(data))
    assert "no annotation has a predicted_iou" in show(file, "--worst", "1").stderr
    assert show(file).exit_code == 0


def test_a_broken_mask_is_named(tmp_path: Path) -> None:
    bad = {"id": 5, "image_id": 1, "category_id": 7, "bbox": [1, 1, 9, 9]}
    bad["segmentation"] = {"size": [2, 2], "counts": "04"}
    result = show(write_file(tmp_path, annotations=[bad]))
    assert result.exit_code == 1 and "annotations[0] (id 5)" in result.stderr


def test_a_file_without_annotations_is_an_error(tmp_path: Path) -> None:
    result = show(write_file(tmp_path, annotations=[]))
    assert result.exit_code == 1 and "no annotations to draw" in result.stderr
    assert not (tmp_path / "masks.jpg").exists()


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_its_own_pictures_are_replaced_and_others_only_on_request(file: Path, suffix: str) -> None:
    out = file.parent / f"sheet{suffix}"
    assert show(file, "--out", str(out)).exit_code == 0
    assert show(file, "--out", str(out)).exit_code == 0
    Image.new("RGB", (9, 9)).save(out)
    other = out.read_bytes()
    assert show(file, "--out", str(out)).exit_code == 2
    assert out.read_bytes() == other
    assert show(file, "--out", str(out), "--fresh").exit_code == 0
    assert out.read_bytes() != other


def test_boxes_without_masks_are_shown_as_well(tmp_path: Path) -> None:
    write_file(tmp_path)
    detection = {"category": "1", "conf": 0.9, "bbox": [0.25, 0.25, 0.5, 0.5]}
    found = {"images": [{"file": "a.png", "detections": [detection]}]}
    file = tmp_path / "detections.json"
    file.write_text(json.dumps(found | {"detection_categories": {"1": "animal"}}))
    out = tmp_path / "sheet.png"
    result = show(file, "--out", str(out), "--height", str(SIDE), "--labels", "none")
    assert "1 image, 0 masks" in result.stdout, result.output
    assert tuple(pixels(out)[10, 20]) == colour(0)


def test_what_is_drawn_from_is_not_written_over_even_with_fresh(tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg"):
        Image.new("RGB", (40, 30)).save(tmp_path / name)
    images = [
        {"id": k, "file_name": name, "width": 40, "height": 30}
        for k, name in enumerate(("a.png", "b.jpg"))
    ]
    boxes = [{"id": k, "image_id": k, "category_id": 1, "bbox": [1, 1, 9, 9]} for k in (0, 1)]
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps({"images": images, "annotations": boxes, "categories": []}))
    before = (tmp_path / "a.png").read_bytes(), (tmp_path / "b.jpg").read_bytes()
    for out in (tmp_path / "a.png", tmp_path):
        with pytest.raises(ConfigError, match="is drawn from"):
            draw(Show(file=file, images=tmp_path, out=out, fresh=True))
    assert before == ((tmp_path / "a.png").read_bytes(), (tmp_path / "b.jpg").read_bytes())
