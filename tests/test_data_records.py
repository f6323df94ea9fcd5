"""Records are found wherever they lie in the file."""

import json
from pathlib import Path

import pytest
from box_files import annotation, coco
from hypothesis import given
from hypothesis import strategies as st

from boxmask.data import read

gaps = st.lists(st.sampled_from([",", " ,", ", ", "\n,\t", ",\n  "]), min_size=8, max_size=8)


@given(gaps | st.sampled_from([[","] * 8, [",\r\n"] * 8]), st.sampled_from(["", " ", "\n\n"]))
def test_uneven_gaps_between_records_do_not_shift_them(
    tmp_path_factory: pytest.TempPathFactory, between: list[str], before: str
) -> None:
    rows = [annotation(id=place, note=",{ " * place) for place in range(8)]
    texts = [json.dumps(row) for row in rows]
    joined = before + "".join(text + gap for text, gap in zip(texts, between, strict=True))
    path: Path = tmp_path_factory.mktemp("gaps") / "boxes.json"
    text = f"[{joined.removesuffix(between[-1])}{before}]"
    path.write_text(json.dumps(coco(annotations="here")).replace('"here"', text))
    dataset = read(path)
    assert [dataset.records[row].decode() for row in range(8)] == texts
