"""The experiment on mask heads: what it trains on, what it measures, and what it may not mix up."""

import runpy
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from pytest import MonkeyPatch
from training_files import write_dataset

FOLDER = Path(__file__).parents[1] / "examples" / "surprise"
sys.path.append(str(FOLDER))

from features import cached, collect, masked  # noqa: E402
from measuring import measure  # noqa: E402
from report import Scores, append, finished, markdown  # noqa: E402
from rows import DIRECTIONS, ROWS, Run, Settings, runs  # noqa: E402
from training import Learner, batches, drawn, example, factor, train  # noqa: E402

RUN = Run("ResNet-4", "voc", 0)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("surprise")
    path = write_dataset(folder, images=6)
    return Settings(
        train=path,
        val=path,
        images=folder / "images",
        out=folder / "out",
        backbone="tiny",
        image_size=96,
        width=4,
        steps=4,
        batch=3,
    )


def test_every_row_makes_masks_from_the_same_features(settings: Settings) -> None:
    boxes = torch.tensor([[0.1, 0.1, 0.6, 0.7]])
    for row in ROWS.values():
        learner = Learner(row.config(settings)).eval()
        levels = [torch.zeros(1, c, 24 // s, 24 // s) for c, s in ((24, 1), (32, 2), (48, 4))]
        levels.append(torch.zeros(1, 64, 3, 3))
        assert learner(levels, boxes, torch.zeros(1, dtype=torch.long)).shape == (1, 32, 32)


@pytest.mark.parametrize("family", ["ResNet-4", "Zoom: ResNet-4"])
def test_a_mirrored_box_lies_where_it_lies_in_the_mirrored_view(
    settings: Settings, family: str
) -> None:
    config = ROWS[family].config(settings)
    collection = collect(settings, "train", seen="all")
    seen = cached(settings, config, collection, "train")
    plain, mirrored = seen.boxes[:, 0], seen.boxes[:, 1]
    np.testing.assert_allclose(mirrored[:, [1, 3]], plain[:, [1, 3]], atol=1e-6)
    width = plain[:, 2] - plain[:, 0]
    np.testing.assert_allclose(mirrored[:, 2] - mirrored[:, 0], width, atol=1e-6)
    if family == "ResNet-4":  # the image fills its view, so its right side is the view's
        np.testing.assert_allclose(mirrored[:, 0], 1 - plain[:, 2], atol=1e-6)


def test_features_are_made_once_and_only_kept_whole(settings: Settings, tmp_path: Path) -> None:
    settings = replace(settings, out=tmp_path)
    collection = collect(settings, "val", seen="all")
    config = ROWS[RUN.row].config(settings)
    left = tmp_path / "features" / "tiny-deepmac-96-val.tmp"
    left.mkdir(parents=True)
    (left / "level0.npy").write_bytes(b"half")
    first = cached(settings, config, collection, "val")
    made = (tmp_path / "features" / "tiny-deepmac-96-val" / "level0.npy").stat().st_mtime_ns
    assert not left.exists()
    assert [level.shape[:2] for level in first.levels] == [(6, 2)] * 4
    again = cached(settings, config, collection, "val")
    assert (tmp_path / "features" / "tiny-deepmac-96-val" / "level0.npy").stat().st_mtime_ns == made
    np.testing.assert_array_equal(first.boxes, again.boxes)


def test_only_masks_of_seen_classes_are_trained_on(settings: Settings) -> None:
    collection = collect(settings, "train", seen="non-voc")
    names = [one.name for one in collection.sources[0].dataset.categories]
    drawn_items = [items for items, _ in islice(drawn(collection, settings, rng()), 9)]
    assert {names[i] for i in collection.table.category[np.concatenate(drawn_items)]} == {"kite"}
    unseen = np.flatnonzero(~collection.table.supervised)
    assert all(collection.instances[int(item)].mask is None for item in unseen)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_rows_differ_in_their_boxes_only_where_noise_is_wanted(settings: Settings) -> None:
    collection = collect(settings, "train", seen="voc")
    some = {
        row: next(batches(Run(row, "voc", 0), settings, collection))
        for row in ("ResNet-4", "Hourglass-20", "ResNet-4, GT + noisy boxes")
    }
    plain, other, noisy = some.values()
    assert torch.equal(plain[1], other[1]) and torch.equal(plain[3], other[3])
    assert len(noisy[1]) == len(plain[1])
    same = (noisy[1] == plain[1]).all(dim=1)
    assert 0 < same.sum() < len(same)
    assert torch.equal(noisy[3][same], plain[3][same])


def test_the_target_of_a_noisy_box_is_the_mask_inside_it(settings: Settings) -> None:
    collection = collect(settings, "train", seen="all")
    random, item = rng(), int(masked(collection)[0])
    truth = example(collection, item, False, random, side=32)
    assert truth[0].tolist() == [0, 0, 1, 1]
    tried = [example(collection, item, True, random, side=32) for _ in range(40)]
    moved = [(box, target) for box, target in tried if box.tolist() != [0, 0, 1, 1]]
    assert 10 < len(moved) < 30
    for box, target in moved:
        both = np.prod(np.minimum(box[2:], 1) - np.maximum(box[:2], 0))
        assert both / (np.prod(box[2:] - box[:2]) + 1 - both) >= 0.499
        down, across = np.meshgrid(
            *(np.linspace(box[i], box[i + 2], 32) for i in (1, 0)), indexing="ij"
        )
        inside = (down > across) & (down < 1) & (across > 0)
        assert (inside == (target > 0.5)).mean() > 0.9


def test_an_image_drawn_twice_in_a_step_keeps_its_own_sides(settings: Settings) -> None:
    settings = replace(settings, batch=12)
    collection = collect(settings, "train", seen="voc")
    levels, boxes, index, targets = next(batches(RUN, settings, collection))
    assert len(levels[0]) > 6 and int(index.max()) + 1 == len(levels[0])
    assert len(boxes) == len(index) == len(targets)


def test_training_learns_the_triangles(settings: Settings) -> None:
    settings = replace(settings, steps=60)
    torch.set_num_threads(1)
    config = ROWS[RUN.row].config(settings)
    before = measure(Learner(config), config, settings)
    after = measure(train(RUN, settings), config, settings)
    assert after.mean() > 0.75 > 0.6 > before.mean()


def test_the_rate_rises_and_then_falls_to_nothing() -> None:
    factors = [factor(step, 100) for step in range(100)]
    assert factors[:10] == sorted(factors[:10]) and factors[10:] == sorted(factors[10:])[::-1]
    assert max(factors) == 1 and factors[0] == 0.1 and 0 < factors[-1] < 0.001


def test_all_rows_of_one_seed_come_before_the_next_seed() -> None:
    order = list(runs(list(ROWS)))
    assert [run.seed for run in order] == sorted(run.seed for run in order)
    assert len(set(order)) == len(order) == len(DIRECTIONS) * sum(r.seeds for r in ROWS.values())


def test_the_table_tells_seen_from_unseen_in_both_directions(settings: Settings) -> None:
    collection = collect(settings, "val", seen="all")
    items = masked(collection)
    kite = collection.table.category[items] == 1
    iou = np.where(kite, 0.5, 0.9)
    found = {Run(row, way, 0): iou for row in ("ResNet-4", "Hourglass-20") for way in DIRECTIONS}
    found[Run("ResNet-4", "voc", 1)] = np.where(kite, 0.7, 0.9)
    table = markdown(found, Scores(collection, items), settings).splitlines()
    (resnet,) = [line for line in table if line.startswith("| ResNet-4 |")]
    cells = [cell.strip() for cell in resnet.split("|")[4:-1]]
    assert cells == [
        *("90.0", "60.0 [60.0, 60.0], seeds 50.0 to 70.0", "30.0", "+0.0 [+0.0, +0.0]"),
        *("50.0", "90.0 [90.0, 90.0]", "-40.0", "+0.0 [+0.0, +0.0]"),
    ]


def test_the_command_does_what_is_missing_and_no_more(
    settings: Settings, tmp_path: Path, monkeypatch: MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(settings.train.parent), "--out", str(tmp_path), "--rows", "ResNet-4"]
    words += ["--train", settings.train.name, "--val", settings.val.name, "--jobs", "1"]
    words += ["--backbone", "tiny", "--image-size", "96", "--width", "4", "--batch", "3"]
    boxes = len(masked(collect(settings, "val", seen="all")))
    append(tmp_path / "runs.jsonl", RUN, np.full(boxes, 0.25))
    command(monkeypatch, *words, "--steps", "2")
    assert "ResNet-4, voc, seed 0" not in capsys.readouterr().out
    done = finished(tmp_path / "runs.jsonl")
    assert set(done) == set(runs(["ResNet-4"])) and set(done[RUN]) == {0.25}
    command(monkeypatch, *words, "--steps", "2")
    assert capsys.readouterr().out.startswith("| row |")
    assert len((tmp_path / "runs.jsonl").read_bytes().splitlines()) == len(done)
    assert "VOC → non-VOC: seen" in (tmp_path / "table.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="other settings"):
        command(monkeypatch, *words, "--steps", "3")


def command(monkeypatch: MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["surprise", *words])
    runpy.run_path(str(FOLDER), run_name="__main__")
