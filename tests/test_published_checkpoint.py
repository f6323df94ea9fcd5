"""Checkpoints of TensorFlow (examples/oracle/small.py), read without it, whole and broken."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published_files import number, table

from boxmask.errors import BoxmaskError, WeightsError
from boxmask.published.checkpoint import Checkpoint
from boxmask.published.checksum import crc32c
from boxmask.published.objects import GRAPH_KEY
from boxmask.published.places import checkpoint_at
from boxmask.published.table import entries

RECORDED = Path(__file__).with_name("recorded")
NUMBERS = np.arange(-6, 6).reshape(3, 4) / 8
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A copy of a checkpoint."""
    for path in RECORDED.glob("plain.*"):
        shutil.copy(path, tmp_path)
    return tmp_path / "plain"


def value(checkpoint: Checkpoint, name: str) -> "np.typing.NDArray[np.generic]":
    """The tensor of a name of the root."""
    return checkpoint.tensor(f"{name}{VALUE}")


def test_every_kind_of_number_is_read() -> None:
    checkpoint = Checkpoint(RECORDED / "plain")
    for kind in ("float32", "float64", "float16"):
        assert value(checkpoint, kind).dtype == kind
        assert np.array_equal(value(checkpoint, kind), NUMBERS)
    assert value(checkpoint, "bfloat16").dtype == np.float32
    assert np.array_equal(value(checkpoint, "bfloat16"), NUMBERS)
    for kind in ("int32", "int64", "int8", "uint8"):
        assert value(checkpoint, kind).dtype == kind
        assert np.array_equal(value(checkpoint, kind), np.abs(NUMBERS * 8))
    assert np.array_equal(value(checkpoint, "truths"), NUMBERS > 0)
    assert value(checkpoint, "one").shape == () and value(checkpoint, "none").shape == (0, 3)
    for count in range(40):
        assert np.array_equal(value(checkpoint, f"listed/{count}"), np.full(700, count))


def test_objects_lead_to_keys_and_to_the_names_that_variables_were_made_with() -> None:
    objects = Checkpoint(RECORDED / "plain").objects
    assert objects.find("listed.7").key == f"listed/7{VALUE}"
    assert objects.find("float32").made_as == "of_float32"
    assert objects.first_made_as("listed").startswith("Variable")
    assert objects.find("listed.77").key == "" and not objects.find("no").children


def test_tensors_may_lie_in_several_files() -> None:
    checkpoint = Checkpoint(RECORDED / "several")
    assert checkpoint.entries["tensor1"].shard == 1
    assert checkpoint.tensor("tensor0").tolist() == [1, 2]
    assert checkpoint.tensor("tensor1").tolist() == [2, 2]
    with pytest.raises(WeightsError, match=r"several\.index: no names of objects.*TensorFlow 2"):
        _ = checkpoint.objects


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    shutil.copy(RECORDED / "several.index", tmp_path)
    with pytest.raises(WeightsError, match=r"several\.data-00001-of-00002: not there"):
        Checkpoint(tmp_path / "several").tensor("tensor1")


def test_a_changed_byte_of_a_tensor_is_noticed(plain: Path) -> None:
    checkpoint = Checkpoint(plain)
    entry = checkpoint.entries[f"float32{VALUE}"]
    data = plain.with_name("plain.data-00000-of-00001")
    raw = bytearray(data.read_bytes())
    raw[entry.offset + 5] ^= 1
    data.write_bytes(raw)
    with pytest.raises(WeightsError, match=r"plain\.index: float32\S+ has another checksum"):
        value(Checkpoint(plain), "float32")
    assert value(Checkpoint(plain), "float64").shape == (3, 4)


def test_a_file_that_is_cut_short_is_noticed(plain: Path) -> None:
    data = plain.with_name("plain.data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(WeightsError, match=r"the file with \S+ is cut short; fetch"):
        for key, entry in (checkpoint := Checkpoint(plain)).entries.items():
            if entry.kind != 7:
                checkpoint.tensor(key)


def test_texts_are_not_numbers() -> None:
    with pytest.raises(WeightsError, match="of kind 7; only whole tensors of numbers"):
        Checkpoint(RECORDED / "plain").tensor(GRAPH_KEY)


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, 10_000), bit=st.integers(0, 7), cut=st.booleans())
def test_a_broken_index_is_read_as_before_or_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int, cut: bool
) -> None:
    folder = tmp_path_factory.mktemp("broken")
    for path in RECORDED.glob("several.*"):
        shutil.copy(path, folder)
    index = folder / "several.index"
    raw = bytearray(index.read_bytes())
    at = place % len(raw)
    raw[at] ^= 1 << bit
    index.write_bytes(raw[:at] if cut else raw)
    try:
        found = Checkpoint(folder / "several")
    except BoxmaskError as error:
        assert "several.index" in str(error)
        return
    whole = Checkpoint(RECORDED / "several")
    assert found.entries == whole.entries  # the flipped bit was of the padding before the end


def plain_crc32c(data: bytes) -> int:
    """The checksum, byte by byte."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    state = 0xFFFFFFFF
    for byte in data:
        state = table[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state ^ 0xFFFFFFFF


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 40_000), st.integers(0, 2**32 - 1))
def test_checksums_are_those_of_the_plain_loop(length: int, seed: int) -> None:
    data = np.random.default_rng(seed).integers(0, 256, length, dtype=np.uint8)
    assert crc32c(data) == plain_crc32c(data.tobytes())


def test_checksums_of_long_stretches_join() -> None:
    # More lanes than are taken at once, and some bytes left over.
    data = np.tile(np.arange(251, dtype=np.uint8), 70_000)[: (1 << 24) + 12_345]
    tail = data[1 << 24 :]
    assert crc32c(np.frombuffer(b"123456789", np.uint8)) == 0xE3069283
    assert crc32c(tail) == plain_crc32c(tail.tobytes())
    # Linear: two inputs and the zeros against the difference of the two.
    other = np.roll(data, 1)
    nothing = crc32c(np.zeros_like(data))
    assert crc32c(data) ^ crc32c(other) == crc32c(data ^ other) ^ nothing


def test_sizes_are_bounded_before_memory_is_asked_for(plain: Path) -> None:
    index = plain.with_name("plain.index")
    pairs = list(entries(index.read_bytes()))
    index.write_bytes(table([(b"", number(1, 1 << 62)), *pairs[1:]]))
    with pytest.raises(WeightsError, match="it names 4,611,686,018,427,387,904 files"):
        Checkpoint(plain)
    with index.open("r+b") as stream:
        stream.truncate(1 << 28)
    with pytest.raises(WeightsError, match="larger than the 134,217,728 bytes"):
        Checkpoint(plain)


@pytest.mark.parametrize("digits", [10, 5000])
def test_settings_with_a_number_without_end_name_no_size(plain: Path, digits: int) -> None:
    settings = f"keep_aspect_ratio_resizer {{ max_dimension: {digits * '9'} }}"
    plain.with_name("pipeline.config").write_text(settings)
    with checkpoint_at(plain, room=plain.parent) as (prefix, size):
        assert (prefix, size) == (plain, None)
