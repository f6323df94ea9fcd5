"""`boxmask train` as it is typed."""

import json
from pathlib import Path

import numpy as np
from training_files import write_dataset
from typer.testing import CliRunner

from boxmask.cli import app
from boxmask.train.data.sources import open_sources

SMALL = ["--preset", "tiny", "--steps", "2", "--batch", "2", "--device", "cpu"]


def test_print_config_shows_the_outcome_and_trains_nothing(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app,
        ["train", "none.json", "--preset", "zoom", "--seed", "7", "--set", "optimiser.lr=0.5",
         "--print-config"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    shown = json.loads(done.stdout)
    assert shown["seed"] == 7 and shown["optimiser"]["lr"] == 0.5
    assert shown["model"]["family"] == "zoom"


def test_a_run_from_files_of_two_folders_leaves_weights_and_a_summary(tmp_path: Path) -> None:
    one, two = (write_dataset(tmp_path / name, images=1) for name in ("a", "b"))
    done = CliRunner().invoke(
        app,
        ["train", str(one), str(two), "--images", str(one.parent / "images"),
         "--images", str(two.parent / "images"), "--val", str(two),
         "--val-images", str(two.parent / "images"), "--seen", "dog,kite",
         "--out", str(tmp_path / "run"), *SMALL, "--json"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert summary["steps"] == 2 and 0 <= summary["scores"]["miou_unseen"] <= 1
    assert (tmp_path / "run" / "best.safetensors").exists()
    assert "step 2" in done.stderr


def test_boxes_are_read_as_bbox_says(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "a")
    data = json.loads(path.read_text())
    given = [one["bbox"] for one in data["annotations"]]
    for one in data["annotations"]:
        x, y, w, h = one["bbox"]
        one["bbox"] = [x, y, x + w, y + h]
    path.write_text(json.dumps(data))
    (source,) = open_sources([path], [path.parent / "images"], seen="all", bbox="xyxy")
    wanted = np.array(given, float)
    wanted[:, 2:] += wanted[:, :2]
    assert np.allclose(source.dataset.boxes, wanted)
    options = ["--images", str(path.parent / "images"), "--preset", "tiny", "--steps", "1"]
    options += ["--set", "workers=0", "--bbox", "xyxy", "--out", str(tmp_path / "run")]
    assert CliRunner().invoke(app, ["train", str(path), *options]).exit_code == 0


def test_what_is_wrong_is_one_sentence(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "data", images=1)
    job = [
        "train",
        str(path),
        "--images",
        str(path.parent / "images"),
        "--out",
        str(tmp_path / "r"),
    ]
    misused = {
        "no preset is called": ["--preset", "zoomm"],
        "no category is named 'cat'": ["--seen", "cat"],
        "no such option. Did you mean batch?": ["--set", "bach=3"],
        "steps=0: Expected `int` >= 1": ["--steps", "0"],
        "noisy_iou=1.5: Expected `float` <= 0.99": ["--set", "noisy_iou=1.5"],
        "no such folder of images": ["--val", str(path), "--val-images", "nowhere", *SMALL],
        "knows no such device": ["--device", "gpu", "--preset", "tiny"],
        "no image with a mask is left to measure on": ["--set", "holdout=9", *SMALL],
        "2 folders of images": ["--images", str(tmp_path), *SMALL],
    }
    for said, options in misused.items():
        done = CliRunner().invoke(app, [*job, *options])
        assert done.exit_code == 2, done.output
        assert said in done.stderr
        assert done.stderr.count("\n") == 1 and done.stderr.endswith(".\n")


def test_training_needs_a_folder() -> None:
    done = CliRunner().invoke(app, ["train", "a.json", *SMALL])
    assert done.exit_code == 2
    assert "--out is needed" in done.stderr
