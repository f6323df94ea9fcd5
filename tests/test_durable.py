"""Files are whole or absent, and told apart by what they hold."""

from pathlib import Path

import pytest

from boxmask.durable import digest, replace_file


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with replace_file(path) as stream:
        stream.write(b"first")
    with pytest.raises(OSError, match="full"), replace_file(path) as stream:
        stream.write(b"second")
        raise OSError("the disk is full")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("a.txt", b"first")]


def test_the_digest_of_a_folder_is_that_of_its_names_and_texts(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.txt").write_text("one")
    first = digest(tmp_path)
    (tmp_path / "below" / "a.jpg").write_bytes(b"a photograph")
    assert digest(tmp_path) == first
    (tmp_path / "below" / "a.txt").rename(tmp_path / "below" / "b.txt")
    second = digest(tmp_path)
    (tmp_path / "below" / "b.txt").write_text("two")
    assert len({first, second, digest(tmp_path)}) == 3
