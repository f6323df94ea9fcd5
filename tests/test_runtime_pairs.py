"""Long runs have their views computed in pairs: the same masks, to the bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotation_files import WINDOWS, write_weights

from boxmask.annotate.runtime import load_network
from boxmask.bundled import BUNDLED
from boxmask.models import Cuts, cut
from boxmask.models.compiled import CompiledNetwork
from boxmask.models.pairs import Pairs
from boxmask.models.prediction import Network, to_numpy

CPU: Any = {"device": "cpu", "precision": "fp32", "runtime": "openvino"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a tiny network whose graphs were made."""
    written = write_weights(tmp_path_factory.mktemp("weights"), **WINDOWS)
    load_network(written, **CPU, threads=1)
    return written


def cuts_of(network: Network, count: int, *, large: bool = False, seed: int = 0) -> Cuts:
    """Cut boxes of a photo of noise."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 255, (60, 80, 3), np.uint8)
    low = rng.uniform(0, 30, (count, 2))
    boxes = np.concatenate([low, low + rng.uniform(5, 30, (count, 2))], axis=1)
    return cut(network.config, image, boxes, large=large)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few views be many."""
    monkeypatch.setattr("boxmask.models.pairs._MANY", 20)


def same(one: Any, other: Any) -> bool:
    return all(map(np.array_equal, to_numpy(one), to_numpy(other)))


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("flip", [False, True], ids=["plain", "flip"])
@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_masks_of_pairs_are_to_the_bit_those_of_views_alone(
    weights: Path, large: bool, flip: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    paired, single = (CompiledNetwork.load(weights, threads=threads) for threads in (2, 1))
    first, odd = (cuts_of(single, count, large=large, seed=count) for count in (24, 17))
    paired.predict(first, chunk=64)
    assert paired._pairs.views(first.pixels.shape[1]) == 2
    monkeypatch.setattr("boxmask.models.pairs._MANY", 1000)
    for cuts in (odd, odd.first(1), first):
        alone = single.predict(cuts, chunk=64, flip=flip)
        assert same(paired.predict(cuts, chunk=64, flip=flip), alone)
    assert single._pairs.views(first.pixels.shape[1]) == 1


@pytest.mark.usefixtures("soon")
def test_the_bundled_network_is_the_same_in_pairs() -> None:
    paired, single = (CompiledNetwork.load(BUNDLED, threads=1) for _ in range(2))
    cuts, side = cuts_of(single, 21), single.config.view_size
    found = paired.predict(cuts, chunk=64)
    assert paired._pairs.views(side) == 2
    few = cuts.first(3)
    assert same(single.predict(few, chunk=64), type(found)(*(part[:3] for part in found)))
    assert single._pairs.views(side) == 1
    assert same(paired.predict(cuts.first(3), chunk=64), single.predict(few, chunk=64))


@pytest.mark.usefixtures("soon")
def test_pairs_that_would_change_a_bit_are_given_up(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, single = (CompiledNetwork.load(weights, threads=1) for _ in range(2))
    cuts = cuts_of(single, 24)
    answers = CompiledNetwork._answers

    def rounded(self: CompiledNetwork, cuts: Cuts) -> Any:
        logits, beside = answers(self, cuts)
        return logits + 1e-6 * (self._queue(cuts.pixels.shape[1]).result().views > 1), beside

    monkeypatch.setattr(CompiledNetwork, "_answers", rounded)
    network.predict(cuts, chunk=64)
    assert network._pairs.views(24) == 1
    few = cuts.first(9)
    assert same(network.predict(few, chunk=64), single.predict(few, chunk=64))


@pytest.mark.usefixtures("soon")
def test_without_their_graph_there_are_no_pairs(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, single = (CompiledNetwork.load(weights, threads=1) for _ in range(2))
    monkeypatch.setattr("boxmask.models.compiled.find_graph", lambda config, form: None)
    cuts = cuts_of(single, 24)
    found = network.predict(cuts, chunk=64)
    assert network._pairs.views(24) == 1
    few = cuts.first(9)
    assert same(type(found)(*(part[:9] for part in found)), single.predict(few, chunk=64))


def test_pairs_are_for_many_views_that_come_together() -> None:
    pairs = Pairs(threads=4)
    assert not any(pairs.would_pay(144, 15) for _ in range(100))  # few at once: some half empty
    assert [pairs.would_pay(144, 64) for _ in range(4)] == [False, False, False, True]
    pairs.begin(144)
    assert not pairs.would_pay(144, 64)
    assert (pairs.views(144), pairs.views(176)) == (2, 1)
    pairs.give_up(144)
    assert pairs.views(144) == 1 and not any(pairs.would_pay(144, 64) for _ in range(9))
    assert not any(Pairs(threads=40).would_pay(144, 64) for _ in range(9))  # threads were idle
