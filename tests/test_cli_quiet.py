"""-q and -v of the commands beside annotate and check: less, and more."""

import json
from pathlib import Path

from annotation_files import annotate, boxes_of, make_job, photos, write_weights
from evaluation_files import scene, write
from training_files import write_dataset
from typer.testing import CliRunner, Result

from boxmask.cli import app


def call(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output
    return result


def test_show_says_nothing_but_what_is_left_out_or_all_of_it(tmp_path: Path) -> None:
    job = make_job(tmp_path, boxes_of(4, 1))
    annotate(job)
    command = ("show", job.out, "--images", job.images, "-o", tmp_path / "sheet.jpg")
    assert call(*command).stdout and call(*command, "-q").output == ""
    for name in ("1.png", "2.png"):
        (photos(job) / name).unlink()
    quiet = call(*command, "-q")
    assert quiet.stdout == "" and "2 images left out: image missing" in quiet.stderr
    said = [call(*command, *more).stdout.count("there is no such file") for more in ((), ("-v",))]
    assert said == [1, 2]


def test_models_lists_the_weights_alone_or_what_they_learnt_from(tmp_path: Path) -> None:
    write_weights(tmp_path)
    usual, quiet = call("models", tmp_path).stdout, call("models", tmp_path, "-q").stdout
    assert "tiny.safetensors" in quiet and "heads" in usual and "heads" not in quiet
    detailed = call("models", tmp_path, "-q", "-v").stdout
    assert "licences of the images: " in detailed and "masks of" in detailed
    assert "tiny.safetensors: 0 masks of 0 files" in detailed


def test_train_says_nothing_or_its_recipe_as_well(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "a", images=1)
    command = ("train", path, "--images", path.parent / "images", "--seen", "all", "--preset")
    small = ("tiny", "--steps", "1", "--batch", "2", "--device", "cpu")
    assert call(*command, *small, "--out", tmp_path / "one", "-q").output == ""
    detailed = call(*command, *small, "--out", tmp_path / "two", "-v")
    assert detailed.stdout == "" and "step 1" in detailed.stderr
    recipe = detailed.stderr[: detailed.stderr.rindex("\n}\n") + 2]
    assert json.loads(recipe)["steps"] == 1


def test_eval_has_a_line_for_each_class(tmp_path: Path) -> None:
    true, predicted = scene(0)
    paths = write(tmp_path, "true.json", true), write(tmp_path, "pred.json", predicted)
    usual, detailed = call("eval", *paths).stdout, call("eval", *paths, "-v").stdout
    assert "Each class" not in usual and "Each class" in detailed
    report = json.loads(call("eval", *paths, "--json").stdout)
    table = detailed.partition("Each class")[2]
    for one in report["systems"][0]["classes"]:
        assert any(
            line.startswith(one["name"]) and f"{100 * one['iou']:.1f}" in line.split()
            for line in table.splitlines()
        )
