"""Batches by their number: the same for everybody, aligned, and blind to unseen masks."""

import json
import pickle
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from training_files import (
    NAMES,
    TOLD,
    VARIED,
    WHOLE,
    collect,
    edit_annotations,
    tiny,
    write_dataset,
)

from boxmask.errors import ConfigError
from boxmask.models.hints import PLANES
from boxmask.train.data.batch import Batch
from boxmask.train.data.batch_dataset import BatchDataset
from boxmask.train.data.collection import Collection
from boxmask.train.data.loader import check_parts, iterate_steps
from boxmask.train.data.sources import open_sources
from boxmask.train.distributed import Processes
from boxmask.train.recipe import TrainConfig

ALONE = Processes(rank=0, count=1, device=torch.device("cpu"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "data")


def tensors(batch: Batch) -> list[Tensor]:
    """List every tensor of a batch."""
    found = [batch.targets, batch.weights]
    for part in (batch.views, batch.iou_samples):
        found += [getattr(part, field.name) for field in fields(part)]
    return [tensor for tensor in found if tensor is not None]


def equal(one: Batch, other: Batch) -> bool:
    return one.names == other.names and all(
        a.shape == b.shape and bool(torch.equal(a.nan_to_num(-1), b.nan_to_num(-1)))
        for a, b in zip(tensors(one), tensors(other), strict=True)
    )


def brightness_gap(batch: Batch) -> list[float]:
    """Tell how much brighter each view is under its target than beside it."""
    gaps = []
    for place, target in enumerate(batch.targets):
        view = batch.views.pixels[batch.views.index[place]].float().amax(dim=0)
        side = view.shape[-1]
        x0, y0, x1, y1 = batch.views.boxes[place].tolist()
        line = torch.linspace(0, 1, target.shape[-1])
        rows = ((y0 + (y1 - y0) * line) * (side - 1)).round().long().clamp(0, view.shape[0] - 1)
        columns = ((x0 + (x1 - x0) * line) * (side - 1)).round().long().clamp(0, side - 1)
        seen = view[rows][:, columns]
        gaps.append(float(seen[target > 0.9].mean() - seen[target < 0.1].mean()))
    return gaps


@pytest.mark.parametrize("family", [(), WHOLE, TOLD], ids=["zoom", "whole", "told"])
def test_a_batch_is_the_same_whoever_makes_it(path: Path, family: tuple[str, ...]) -> None:
    config = tiny(*VARIED, *family)
    one, other = (BatchDataset(collect(path), config, parts=1) for _ in range(2))
    other[0]
    assert equal(one[5], other[5])
    assert not equal(one[5], one[6])


def test_workers_yield_what_the_process_itself_would(path: Path) -> None:
    alone, helped = (
        iterate_steps(
            BatchDataset(collect(path), config, parts=2), config, first=1, processes=ALONE
        )
        for config in (tiny(*VARIED, "accumulate=2", f"workers={workers}") for workers in (0, 2))
    )
    for mine, theirs in zip(alone, helped, strict=True):
        assert all(equal(a, b) for a, b in zip(mine, theirs, strict=True))


def test_examples_can_be_sent_to_a_new_process(path: Path) -> None:
    examples = BatchDataset(collect(path), tiny(*VARIED), parts=1)
    before = examples[1]
    assert equal(pickle.loads(pickle.dumps(examples))[1], before)


def test_processes_and_parts_cut_the_same_batch(path: Path) -> None:
    config = tiny()
    whole = BatchDataset(collect(path), config, parts=1)[3]
    halves = BatchDataset(collect(path), config, parts=2)
    assert equal(whole, Batch.join([halves[6], halves[7]]))


def test_a_batch_that_cannot_be_cut_is_told() -> None:
    with pytest.raises(ConfigError, match="a multiple of 6"):
        check_parts(tiny("batch=4", "accumulate=3"), 2)


@pytest.mark.parametrize("family", [(), WHOLE], ids=["zoom", "whole"])
def test_corrupting_unseen_masks_changes_nothing_bit_for_bit(
    path: Path, family: tuple[str, ...]
) -> None:
    config = tiny(*VARIED, *family, "unseen_boxes=true")
    honest = BatchDataset(collect(path, seen="dog,kite"), config, parts=1)
    before = [honest[part] for part in range(4)]
    edit_annotations(path, of=3, segmentation=[[0, 0, 5, 0, 5, 5]])
    corrupted = BatchDataset(collect(path, seen="dog,kite"), config, parts=1)
    assert all(equal(one, corrupted[part]) for part, one in enumerate(before))
    assert NAMES[2] == "person"


def test_boxes_of_unseen_classes_can_take_part_without_weight(path: Path) -> None:
    shown, hidden = (
        BatchDataset(collect(path, seen="dog"), tiny(*WHOLE, f"unseen_boxes={flag}"), parts=1)[0]
        for flag in ("true", "false")
    )
    assert sorted(shown.weights.tolist()) == [0, 0, 0, 0, 1, 1]
    assert hidden.weights.tolist() == [1, 1]


@pytest.mark.parametrize(
    "change",
    [*VARIED, "augment.flip=1", "augment.scale_crop=[0.6,1.3]"],
)
@pytest.mark.parametrize("family", [(), WHOLE], ids=["zoom", "whole"])
def test_each_augmentation_keeps_image_and_mask_aligned(
    path: Path, change: str, family: tuple[str, ...]
) -> None:
    config = tiny("augment.flip=0", "augment.warp=1", change, *family)
    batch = Batch.join([BatchDataset(collect(path), config, parts=1)[part] for part in range(3)])
    gaps = brightness_gap(batch)
    assert np.mean(gaps) > 80, gaps


def test_all_of_them_together_do_change_the_image(path: Path) -> None:
    plain, varied = (
        BatchDataset(collect(path), tiny("augment.flip=0", *changes), parts=1)[0]
        for changes in ((), VARIED)
    )
    assert not torch.equal(plain.views.pixels, varied.views.pixels)


def test_images_of_several_shapes_share_a_batch(path: Path) -> None:
    config = tiny(*WHOLE, "batch=3", "augment.flip=0", "model.image_size=256")
    with Image.open(path.parent / "images" / "1.png") as opened:
        opened.crop((0, 0, 96, 40)).save(path.parent / "images" / "1.png")
    content = json.loads(path.read_text(encoding="utf-8"))
    content["images"][0]["height"] = 40
    path.write_text(json.dumps(content), encoding="utf-8")
    batch = BatchDataset(collect(path), config, parts=1)[0]
    assert batch.views.pixels.shape == (3, 3, 256, 256)
    assert min(brightness_gap(batch)) > 80


def test_noisy_boxes_are_drawn_around_half_of_the_truth(path: Path) -> None:
    plain, noisy = (
        BatchDataset(collect(path), tiny("augment.flip=0", f"boxes={kind}", "batch=60"), parts=1)[0]
        for kind in ("gt", "gt+noisy")
    )
    same = (plain.targets == noisy.targets).flatten(1).all(dim=1)
    assert 0.25 < float(same.float().mean()) < 0.75


def test_crowds_and_tiny_boxes_are_left_out(path: Path) -> None:
    edit_annotations(path, of=1, iscrowd=1)
    edit_annotations(path, of=2, bbox=[5, 5, 1, 1])
    table = collect(path).table
    assert table.supervised.sum() == len(table.row) == 3


def test_files_weigh_what_the_recipe_says(tmp_path: Path) -> None:
    paths = [write_dataset(tmp_path / name, images=n) for name, n in (("a", 4), ("b", 2))]
    sources = open_sources(paths, [one.parent / "images" for one in paths], seen="all")
    collection = Collection(sources, min_side=2, cache_bytes=1 << 24)

    def share(config: TrainConfig) -> float:
        order = BatchDataset(collection, config, parts=1).sampler.order(0)
        return float((collection.table.source[order] == 0).mean())

    assert share(tiny()) == pytest.approx(2 / 3, abs=0.06)
    assert share(tiny("source_balance=1")) == pytest.approx(1 / 2, abs=0.06)
    assert share(tiny("source_weights=[1,0]")) == 1
    with pytest.raises(ConfigError, match="3 numbers for 2"):
        share(tiny("source_weights=[1,2,3]"))


def told(path: Path, *changes: str, count: int = 12) -> Batch:
    """Some boxes for a network of window masks."""
    examples = BatchDataset(collect(path), tiny(*TOLD, f"batch={count}", *changes), parts=1)
    return examples[0]


def plane(batch: Batch, name: str) -> Tensor:
    """A plane of hints (V,S,S)."""
    assert batch.views.hints is not None
    return batch.views.hints[:, PLANES.index(name)]


def test_a_loose_box_is_told_to_be_loose_and_an_exact_one_is_exact(path: Path) -> None:
    batch = told(path, "augment.loosest=0.2")
    tightness = plane(batch, "tightness").amax(dim=(1, 2))
    assert (tightness == 0).any() and (tightness > 0).any() and (tightness <= 1).all()
    size = batch.targets.shape[-1]
    cells = torch.nn.functional.interpolate(plane(batch, "box")[:, None], size=(size, size))[:, 0]
    exact = tightness == 0
    # The mask of an exact box stays inside it; those of loose ones leave some of theirs.
    assert not (batch.targets[exact] > 0.6)[cells[exact] == 0].any()
    assert (batch.targets[~exact] > 0.6)[cells[~exact] == 0].any()


def test_neighbours_are_told_as_often_as_the_recipe_says(path: Path) -> None:
    never = told(path, "augment.neighbours=0", "augment.paste=1")
    always = told(path, "augment.neighbours=1", "augment.paste=1", "augment.paste_target=0")
    for name in ("same", "other", "lower", "larger", "core"):
        assert not plane(never, name).any()
    covered = plane(always, "other") + plane(always, "same")
    assert (covered.amax(dim=(1, 2)) > 0).sum() >= 8


def test_a_neighbour_of_the_same_class_is_told_as_such(path: Path) -> None:
    edit_annotations(path, of=1, bbox=[4, 4, 88, 44])
    edit_annotations(path, of=2, category_id=1)
    batch = told(path, "augment.loose=0", "augment.neighbours=1", "augment.rotate=0")
    same, other = plane(batch, "same"), plane(batch, "other")
    alone = [name.endswith("annotation 3") for name in batch.names]
    assert same.any() and not same[torch.tensor(alone)].any()
    assert not other[~torch.tensor(alone)].amax(dim=(1, 2)).eq(0.5).all()


def test_views_of_one_step_have_one_size(path: Path) -> None:
    config = tiny(*TOLD, "augment.view_sizes=[48,64,80]")
    examples = BatchDataset(collect(path), config, parts=2)
    sides = [examples[part].views.pixels.shape[-1] for part in range(24)]
    assert sides[::2] == sides[1::2]
    assert set(sides) == {48, 64, 80}
    assert all(2 * examples[part].targets.shape[-1] == sides[part] for part in range(4))


def test_a_neighbour_is_told_as_large_as_it_is_also_where_it_leaves_the_scene(path: Path) -> None:
    edit_annotations(path, of=2, bbox=[1, 1, 94, 94])
    for loose in (0, 1):
        changes = (f"augment.loose={loose}", "augment.loosest=0.01", "augment.neighbours=1")
        batch = told(path, *changes, "augment.rotate=0", "augment.flip=0")
        mine = torch.tensor([not name.endswith("2") for name in batch.names])
        assert (plane(batch, "larger")[mine].amax(dim=(1, 2)) > 0.55).all()


def test_a_neighbour_with_a_broken_mask_does_no_harm(path: Path) -> None:
    edit_annotations(path, of=2, segmentation=[[1, 2, 3, 4]])
    batch = told(path, "augment.neighbours=1")
    assert all(re.search(r"annotation \d*2\b", reason) for reason in batch.left_out)
    assert plane(batch, "other").any()
