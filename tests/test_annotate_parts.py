"""Part files: what is written comes back, and nothing else does."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxmask.annotate.parts import DamagedPart, Outcome, Part, pack, read_part, write_part


def a_part() -> Part:
    outcomes = [
        Outcome(9, fragment=b'{"b":1}', area=4, box=(5, 6, 1, 4), quality=0.25, clipped=True),
        Outcome(2, fragment=b'{"a":22}', area=3, quality=0.5),
        Outcome(5, "image missing"),
    ]
    return pack(outcomes, {4: (40, 30), 1: (8, 6)})


def test_a_part_lies_in_the_order_of_the_rows() -> None:
    part = a_part()
    assert part.rows["row"].tolist() == [2, 5, 9]
    assert part.rows["end"].tolist() == [8, 8, 15]
    assert [part.reasons[code] for code in part.rows["reason"]] == ["", "image missing", ""]
    assert part.rows["clipped"].tolist() == [0, 0, 1]
    assert part.rows["box"].tolist() == [[0] * 4, [0] * 4, [5, 6, 1, 4]]
    assert part.images.tolist() == [(1, 8, 6), (4, 40, 30)]
    assert part.fragments == b'{"a":22}{"b":1}'


@pytest.mark.parametrize("part", [a_part(), pack([], {})], ids=["three boxes", "none"])
def test_a_part_comes_back(tmp_path: Path, part: Part) -> None:
    write_part(tmp_path / "part", part, "key")
    back = read_part(tmp_path / "part", "key")
    assert np.array_equal(back.rows, part.rows)
    assert np.array_equal(back.images, part.images)
    assert (back.reasons, back.fragments) == (part.reasons, part.fragments)
    assert [path.name for path in tmp_path.iterdir()] == ["part"]


def test_a_part_of_another_plan_is_refused(tmp_path: Path) -> None:
    write_part(tmp_path / "part", a_part(), "key")
    with pytest.raises(DamagedPart):
        read_part(tmp_path / "part", "another key")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("parts") / "part"
    write_part(path, a_part(), "key")
    return path


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_damage_is_noticed(written: Path, data: st.DataObject) -> None:
    whole = written.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytes([whole[at] ^ 1 << at % 8])
    damaged = data.draw(
        st.sampled_from(
            [
                whole[:at],
                whole[:at] + flipped + whole[at + 1 :],
                whole[:at] + whole[at + 1 :],
                whole + b"\0",
                bytes(len(whole)),
            ]
        )
    )
    spoilt = written.with_name("spoilt")
    spoilt.write_bytes(damaged)
    with pytest.raises(DamagedPart):
        read_part(spoilt, "key")
