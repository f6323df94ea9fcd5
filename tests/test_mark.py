"""The mark of an annotation: what is written of it, and what is read back."""

import msgspec
import pytest
from msgspec import UNSET, Raw

from boxmask.mark import Mark, Status, kept_box, read_mark


def test_what_is_unset_is_not_written() -> None:
    mark = Mark(status=Status.OK, predicted_iou=0.0, box=Raw(b"[1, 2.50, 3, 4]"))
    text = b'{"status":"ok","predicted_iou":0.0,"box":[1, 2.50, 3, 4]}'
    assert msgspec.json.encode(mark) == text
    assert read_mark(text) == mark


@pytest.mark.parametrize("text", [b"null", b"[]", b'{"tightness": 0.6}', b'{"status": 1}', b"{"])
def test_what_is_no_mark_is_none(text: bytes) -> None:
    assert read_mark(text) is None


def test_the_codes_of_statuses_are_their_places() -> None:
    assert [status.code for status in Status] == [0, 1, 2, 3, 4, 5, 6, 7]


def test_a_kept_box_is_read_as_it_was_written_whatever_else_is_wrong() -> None:
    box = kept_box(b'{"status": 7, "given_box": [1, 2.50, 3, 4e0]}')
    assert box is not UNSET and bytes(box) == b"[1, 2.50, 3, 4e0]"
    for none in (b"{}", b'{"given_box": null}', b'{"given_box": [1, 2, 3]}', b"7"):
        assert kept_box(none) is UNSET
