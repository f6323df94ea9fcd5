"""What a run leaves behind: log, curves, sample masks, weights with their card, a page."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from training_files import run_training, tiny, write_dataset

from boxmask.durable import replace_file
from boxmask.errors import RunError
from boxmask.models.weights import load_network
from boxmask.overlay import colour
from boxmask.train.presets import preset
from boxmask.train.recipe_text import override
from boxmask.train.run_folder import Inputs, RunFolder
from boxmask.train.watch.curves import draw_curves, ticks
from boxmask.train.watch.journal import Journal
from boxmask.train.watch.sample_sheet import remove_strips_after

LOSS_LINE, MASK_LINE = (31, 119, 180), (214, 39, 40)


def colours(path: Path) -> set[tuple[int, ...]]:
    """Return the colours of an image file."""
    with Image.open(path) as opened:
        pixels = np.asarray(opened.convert("RGB")).reshape(-1, 3)
    return set(map(tuple, np.unique(pixels, axis=0).tolist()))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A run of a few steps that was measured twice, and what it reported."""
    folder = tmp_path_factory.mktemp("run")
    path, val = write_dataset(folder / "data"), write_dataset(folder / "val", seed=5)
    told: list[dict[str, Any]] = []
    run_training(
        path, folder / "out", tiny("seen=dog,kite"), report=told.append,
        command="boxmask train here", val=(val,), val_images=(val.parent / "images",),
    )  # fmt: skip
    return folder / "out", told


def test_every_report_is_a_line_of_the_log(finished: tuple[Path, list[dict[str, Any]]]) -> None:
    out, (opening, *told) = finished
    assert (opening["masks"], opening["measured_images"]) == (6, 3)
    lines = (out / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == told
    assert {"loss", "mask", "rate", "boxes_per_second", "waiting", "seconds_left"} <= told[0].keys()


def test_seen_and_unseen_classes_are_measured_apart(
    finished: tuple[Path, list[dict[str, Any]]],
) -> None:
    measured = [entry for entry in finished[1] if "miou_overall" in entry]
    assert [entry["step"] for entry in measured] == [3, 6]
    for entry in measured:
        mean = (2 * entry["miou_seen"] + entry["miou_unseen"]) / 3
        assert entry["miou_overall"] == pytest.approx(mean)
        assert entry["miou_seen_low"] <= entry["miou_seen"] <= entry["miou_seen_high"]


def test_weights_carry_their_card(finished: tuple[Path, list[dict[str, Any]]]) -> None:
    for name in ("best", "last"):
        _, card = load_network(finished[0] / f"{name}.safetensors")
        assert card["command"] == "boxmask train here"
        (data,) = card["data"]
        assert data["seen"] == ["dog", "kite"] and data["unseen"] == ["person"]
        assert (data["images"], data["boxes"], data["masks"]) == (3, 9, 6)
        assert data["licences"] == ["CC0"]
        assert card["scores"]["miou_overall"] > 0


def test_the_page_tells_data_licence_scores_and_command(
    finished: tuple[Path, list[dict[str, Any]]],
) -> None:
    page = (finished[0] / "MODEL_CARD.md").read_text(encoding="utf-8")
    for said in (
        "boxmask train here",
        "CC0",
        "unseen classes (1): person",
        "mIoU, seen classes",
        "95 %",
    ):
        assert said in page


def test_a_person_sees_curves_and_masks(finished: tuple[Path, list[dict[str, Any]]]) -> None:
    out, _ = finished
    names = sorted(path.name for path in (out / "samples").iterdir())
    assert names == ["step_0000000.png", "step_0000003.png", "step_0000006.png", "truth.png"]
    assert colours(out / "samples.png") >= {colour(0)}  # of the masks
    assert colours(out / "curves.png") >= {LOSS_LINE, MASK_LINE}


def test_strips_of_steps_to_come_are_forgotten(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.samples.mkdir()
    for step in (3, 6):
        (folder.samples / f"step_{step:07d}.png").touch()
    remove_strips_after(folder, 4)
    assert [path.name for path in folder.samples.iterdir()] == ["step_0000003.png"]


def test_a_resumed_log_forgets_what_will_be_done_again(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.log.write_bytes(b'{"step":1}\n{"step":2}\n{"step":3}\n{"ste')
    journal = Journal(folder, step=2)
    journal.write({"step": 3, "loss": 1.5})
    journal.close()
    assert list(journal.entries()) == [{"step": 1}, {"step": 2}, {"step": 3, "loss": 1.5}]


def test_curves_of_an_empty_log_are_axes_without_lines(tmp_path: Path) -> None:
    draw_curves([], tmp_path / "empty.png")
    draw_curves([{"step": 1, "loss": 2.0, "mask": 2.0}], tmp_path / "one.png")
    assert len(colours(tmp_path / "empty.png")) > 1
    assert not colours(tmp_path / "empty.png") & {LOSS_LINE, MASK_LINE}
    assert colours(tmp_path / "one.png") >= {LOSS_LINE, MASK_LINE}


def test_a_run_with_its_views_in_pixels_goes_on_by_a_recipe_that_scales_them(
    tmp_path: Path,
) -> None:
    now, nothing = preset("zoom"), Inputs(())
    folder = RunFolder(tmp_path / "run")
    folder.open(now.in_pixels(), inputs=nothing, resume=False)
    folder.log.write_text("{}")
    folder.open(now, inputs=nothing, resume=True)
    with pytest.raises(RunError, match=r"view_sizes was .*, is now \[80,80,96,112\]"):
        folder.open(override(now, ["model.view_size=96"]), inputs=nothing, resume=True)


def test_ticks_are_round_and_span_the_values() -> None:
    assert ticks(0.731, 0.766) == pytest.approx([0.73, 0.74, 0.75, 0.76, 0.77])
    assert ticks(0, 300) == pytest.approx([0, 100, 200, 300])
    for still in (0.0, 0.5, math.nextafter(0.5, 1)):
        low, *_, high = ticks(0.5 if still else 0.0, still)
        assert low <= still < high


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OSError, match="full"), replace_file(path) as stream:
        stream.write(b"half")
        raise OSError("full")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_held_out_images_are_measured_on_and_not_learnt(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "data", images=4)
    run_training(path, tmp_path / "out", tiny("holdout=2", "steps=1"))
    _, card = load_network(tmp_path / "out" / "last.safetensors")
    assert (card["data"][0]["images"], card["validation"][0]["images"]) == (2, 2)
