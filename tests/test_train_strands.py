"""Drawn thin things: the same for a seed, thin, with true holes, and learnt as they are seen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from training_files import VARIED, WHOLE, collect, tiny, write_dataset

from boxmask.errors import ConfigError
from boxmask.train.data import compose, strands
from boxmask.train.data.batch_dataset import BatchDataset
from boxmask.train.data.collection import Collection
from boxmask.train.data.colour import recolour
from boxmask.train.data.cutpaste import Cutout, paste_at_random, paste_cutout
from boxmask.train.data.ribbon import Layer, Look, Ribbon, paint
from boxmask.train.data.scene import Scene
from boxmask.train.data.strand_shapes import fitted, plain
from boxmask.train.data.strands import KINDS, draw_strands
from boxmask.train.recipe import Augment

KIND_NAMES = [kind.name for kind in KINDS]
WHITE = np.full(3, 255.0)
RED = np.array([255.0, 0, 0])
ABOVE = np.array([0.0, 0, 1])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "data")


def drawn(seed: int, *, side: float = 100.0) -> list[Cutout]:
    return draw_strands(np.random.default_rng(seed), side=side)


def only(name: str, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(strands, "KINDS", tuple(kind for kind in KINDS if kind.name == name))


def painted(*ribbons: Ribbon, colour: npt.NDArray[np.float64] = RED) -> Cutout:
    look = Look(colour, colour, ABOVE, gloss=0, rough=0)
    image, alpha = paint([Layer(ribbons, look)], np.random.default_rng(0))
    return Cutout(image, alpha, "painted", rigid=True)


def circle(radius: float, *, half: float) -> Ribbon:
    angle = np.linspace(0, 2 * np.pi, 65)
    points = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    return Ribbon(points, np.full(65, half), closed=True)


@pytest.mark.parametrize("name", KIND_NAMES)
def test_the_same_seed_draws_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    only(name, monkeypatch)
    for one, other in zip(drawn(3), drawn(3), strict=True):
        assert one.name == other.name == f"drawn {name}"
        assert np.array_equal(one.image, other.image) and np.array_equal(one.alpha, other.alpha)
    assert drawn(3)[0].alpha.shape != drawn(4)[0].alpha.shape


@pytest.mark.parametrize("name", KIND_NAMES)
@pytest.mark.parametrize("side", [3.0, 60.0, 250.0, 9000.0])
def test_what_is_drawn_is_thin_and_as_large_as_things_there(
    name: str, side: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(name, monkeypatch)
    side_drawn = float(np.clip(side, *strands.SIDES))
    for seed in range(6):
        cutouts = drawn(seed, side=side)
        assert 1 <= len(cutouts) <= 5
        for one in cutouts:
            assert one.rigid and one.image.shape == (*one.alpha.shape, 3)
            assert one.image.dtype == one.alpha.dtype == np.uint8
            inside = np.argwhere(one.alpha > 127)
            longest = float(np.ptp(inside, axis=0).max())
            assert 0.35 * side_drawn < longest < 1.9 * side_drawn + 8
            assert len(inside) > longest / 2


def test_about_half_of_the_bundles_are_of_one() -> None:
    alone = np.mean([len(drawn(seed, side=20)) == 1 for seed in range(200)])
    assert 0.4 < alone < 0.6


@pytest.mark.parametrize("width", [1.5, 3, 8])
@pytest.mark.parametrize("degrees", [0, 30, 45, 90])
def test_a_rod_is_as_wide_as_asked_for(width: float, degrees: float) -> None:
    straight = plain(np.array([[0.0, 0], [1, 0]]))
    one = painted(*fitted([straight], longest=120, width=width, degrees=degrees))
    longest = 120 / max(abs(np.cos(np.radians(degrees))), abs(np.sin(np.radians(degrees))))
    assert one.alpha.sum() / 255 / longest == pytest.approx(width, abs=0.6)


def test_drawn_rods_are_between_the_thinnest_and_the_thickest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    only("rod", monkeypatch)
    for seed in range(30):
        for one in drawn(seed, side=120):
            inside = np.argwhere(one.alpha > 127)
            length = float(np.hypot(*np.ptp(inside, axis=0)))
            assert 0.6 < one.alpha.sum() / 255 / length < 120 / 12 + 1


def test_a_ring_has_a_hole_and_a_whole_rim() -> None:
    one = painted(circle(30, half=3))
    down, across = np.indices(one.alpha.shape)
    middle = (np.array(one.alpha.shape) - 1) / 2
    away = np.hypot(down - middle[0], across - middle[1])
    assert (one.alpha[away < 25.5] == 0).all() and (one.alpha[away > 34.5] == 0).all()
    assert (one.alpha[abs(away - 30) < 1.5] == 255).all()


def test_what_comes_later_lies_above_with_a_shade_beside_it() -> None:
    across, down = (np.array([[-1.0, 0], [1, 0]]) * 30, np.array([[0.0, -1], [0, 1]]) * 30)
    below, above = (Ribbon(points, np.full(2, 4.0)) for points in (across, down))
    looks = (Look(colour, colour, ABOVE, gloss=0, rough=0) for colour in (WHITE, RED))
    layers = [Layer([one], look) for one, look in zip((below, above), looks, strict=True)]
    image = paint(layers, np.random.default_rng(0))[0]
    row = image[image.shape[0] // 2]
    middle = len(row) // 2
    assert row[middle, 1] == 0 and row[middle + 15, 1] > 200
    assert row[middle + 5 : middle + 7, 1].min() < 160


def test_outside_there_is_the_colour_and_no_black_to_blur_in() -> None:
    one = painted(circle(20, half=2))
    assert (one.image[one.alpha == 0] == RED).all()


def test_a_rigid_cut_out_is_moved_but_keeps_its_size() -> None:
    one = painted(circle(8, half=1.5))
    scene = Scene(np.zeros((200, 200, 3), np.uint8), ())
    found = paste_at_random(scene, one, around=(100, 100, 60), random=np.random.default_rng(1))
    (pasted,) = found.instances
    assert pasted.mask is not None and pasted.mask.bits.sum() == (one.alpha > 127).sum()


def test_the_mask_of_a_pasted_strand_is_what_can_be_seen_of_it() -> None:
    below = painted(Ribbon(np.array([[-20.0, 0], [20, 0]]), np.full(2, 2.0)), colour=RED)
    above = painted(Ribbon(np.array([[0.0, -20], [0, 20]]), np.full(2, 2.0)), colour=WHITE)
    scene: Scene | None = Scene(np.zeros((80, 80, 3), np.uint8), ())
    covers = np.zeros((2, 80, 80), bool)
    for cutout, cover in zip((below, above), covers, strict=True):
        height, width = cutout.alpha.shape
        y, x = 40 - height // 2, 40 - width // 2
        cover[y : y + height, x : x + width] = cutout.alpha > 127
        assert scene is not None
        scene = paste_cutout(scene, cutout, x=x, y=y)
    assert scene is not None and len(scene.instances) == 2
    for one, seen in zip(scene.instances, (covers[0] & ~covers[1], covers[1]), strict=True):
        bits, mask = np.zeros((80, 80), bool), one.mask
        assert mask is not None and mask.bits.any()
        width, height = mask.bits.shape
        bits[mask.y : mask.y + height, mask.x : mask.x + width] = mask.bits.T
        assert np.array_equal(bits, seen)
        np.testing.assert_array_equal(one.box, mask.box())


def cut_from_images(
    collection: Collection, config: Augment, random: np.random.Generator, *, side: float
) -> list[Cutout]:
    """Draw cut-outs as it was done before there were strands."""
    if random.random() >= config.paste:
        return []
    donors = np.flatnonzero(collection.table.supervised)
    cutouts = []
    for item in random.choice(donors, random.integers(1, config.paste_most + 1)):
        instance = collection.instances[int(item)]
        assert instance.mask is not None
        x, y = instance.mask.x, instance.mask.y
        width, height = instance.mask.bits.shape
        image = collection.images[int(collection.table.image[item])]
        pixels = recolour(image[y : y + height, x : x + width], config, random)
        cutouts.append(Cutout(pixels, instance.mask.bits.T.astype(np.uint8) * 255, instance.name))
    return cutouts


@pytest.mark.parametrize("family", [(), WHOLE], ids=["zoom", "whole"])
def test_recipes_without_strands_make_the_batches_they_made(
    path: Path, family: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(*VARIED, *family)
    collection = collect(path)
    found = [BatchDataset(collection, config, parts=1)[part] for part in range(4)]
    monkeypatch.setattr(compose, "draw_cutouts", cut_from_images)
    for part, batch in enumerate(found):
        before = BatchDataset(collection, config, parts=1)[part]
        assert batch.names == before.names
        assert torch.equal(batch.views.pixels, before.views.pixels)
        assert torch.equal(batch.targets, before.targets)


@pytest.mark.parametrize("family", [(), WHOLE], ids=["zoom", "whole"])
def test_recipes_with_strands_learn_them(path: Path, family: tuple[str, ...]) -> None:
    changes = ("augment.paste=1", "augment.strands=1", "augment.paste_target=1", *family)
    one, other = (
        BatchDataset(collect(path), tiny(*VARIED, *changes), parts=1)[0] for _ in range(2)
    )
    names = [name for name in one.names if name.startswith("drawn ")]
    assert names and torch.equal(one.views.pixels, other.views.pixels)


def test_those_that_look_the_same_are_recoloured_in_one_way(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alike = [painted(circle(radius, half=2), colour=np.full(3, 120.0)) for radius in (10, 30)]
    monkeypatch.setattr(compose, "draw_strands", lambda random, *, side: alike)
    config = replace(tiny(*VARIED).augment, paste=1.0, strands=1.0, blur=0.0, noise=0.0)
    collection, seen = collect(path), []
    for seed in range(10):
        random = np.random.default_rng(seed)
        cutouts = compose.draw_cutouts(collection, config, random, side=60)
        seen.append([one.image[0, 0].astype(float) for one in cutouts])
    one, other = np.array(seen).transpose(1, 0, 2)
    assert abs(one - other).max() < 8 < np.ptp(one, axis=0).max()


@pytest.mark.parametrize("share", ["-0.1", "1.5"])
def test_a_share_is_from_0_to_1(share: str) -> None:
    with pytest.raises(ConfigError, match=r"augment\.strands"):
        tiny(f"augment.strands={share}")
