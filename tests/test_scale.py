"""The simulated scheduler: what can be told by hand comes out of it."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "examples"))

from scale import Machines, simulate

FOR_EVER = Machines(workers=4, rate=100, write=0, node=2, life=0, start=5, rejoin=60)


def test_shards_are_shared_out_evenly() -> None:
    run = simulate(8, 1000, FOR_EVER)
    assert (run.seconds, run.nodes_lost, run.shards_lost) == (5 + 2 * 10, 0, 0)
    assert simulate(9, 1000, FOR_EVER).seconds == 5 + 3 * 10


def test_a_run_that_writes_slowly_is_what_limits() -> None:
    slow = Machines(workers=4, rate=100, write=7, node=2, life=0, start=5, rejoin=60)
    assert simulate(8, 1000, slow).seconds == 5 + 10 + 8 * 7


@pytest.mark.parametrize("seed", range(5))
def test_lost_shards_are_made_again(seed: int) -> None:
    frail = Machines(workers=4, rate=100, write=0, node=2, life=60, start=5, rejoin=60)
    run = simulate(200, 1000, frail, seed)
    assert run.nodes_lost and run.shards_lost <= 2 * run.nodes_lost
    assert run.seconds > simulate(200, 1000, FOR_EVER).seconds
