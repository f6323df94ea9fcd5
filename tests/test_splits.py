"""Seen and unseen categories."""

from pathlib import Path

import numpy as np
import pytest

from boxmask.dataset import Category
from boxmask.errors import ConfigError
from boxmask.splits import NON_VOC, VOC, select, select_each

COCO = tuple(Category(i, name) for i, name in sorted((VOC | NON_VOC).items()))
PETS = (Category(1, "Dog"), Category(2, "zebra"), Category("p", "potted_plant"))


def chosen(text: str, categories: tuple[Category, ...] = PETS) -> list[str]:
    return [
        c.name for c, inside in zip(categories, select(text, categories), strict=True) if inside
    ]


def test_voc_and_non_voc_cut_coco_into_20_and_60() -> None:
    assert len(VOC) == 20
    assert len(NON_VOC) == 60
    assert select("voc", COCO).sum() == 20
    assert np.array_equal(select("voc", COCO), ~select("non-voc", COCO))
    # The contiguous 1..80 form of the same split.
    contiguous = np.flatnonzero(select("voc", COCO)) + 1
    expected = [1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 17, 18, 19, 20, 40, 57, 58, 59, 61, 63]
    assert contiguous.tolist() == expected


def test_coco_ids_decide_when_the_names_are_translated() -> None:
    german = tuple(Category(c.id, f"Ding {c.id}") for c in COCO)
    assert np.array_equal(select("voc", german), select("voc", COCO))


def test_names_decide_elsewhere_in_either_spelling() -> None:
    assert chosen("voc") == ["Dog", "potted_plant"]
    assert chosen("non-voc") == ["zebra"]
    pascal = (Category(1, "aeroplane"), Category(2, "tvmonitor"), Category(3, "kite"))
    assert chosen("voc", pascal) == ["aeroplane", "tvmonitor"]


def test_low_ids_alone_do_not_make_a_category_voc() -> None:
    assert chosen("voc", (Category(1, "syringe"), Category(2, "mask"))) == []


def test_all_takes_every_category() -> None:
    assert chosen("all") == ["Dog", "zebra", "potted_plant"]


@pytest.mark.parametrize("text", ["dog, zebra", "DOG,zebra", "1,2", "zebra,dog,"])
def test_names_and_ids_are_listed_with_commas(text: str) -> None:
    assert chosen(text) == ["Dog", "zebra"]


@pytest.mark.parametrize("content", ["dog\n\n zebra \n", '["dog", "zebra"]', '["dog", 2]'])
def test_a_file_lists_names(tmp_path: Path, content: str) -> None:
    path = tmp_path / "seen.txt"
    path.write_text(content)
    assert chosen(str(path)) == ["Dog", "zebra"]


def test_an_unknown_name_is_refused_with_the_nearest_and_all_known() -> None:
    with pytest.raises(ConfigError, match=r"named 'zebr'.*Did you mean zebra\?.*Dog, potted_plant"):
        select("dog,zebr", PETS)


def test_a_name_may_be_known_to_only_one_of_several_datasets() -> None:
    pets, coco = select_each("zebra,giraffe", [PETS, COCO])
    assert pets.tolist() == [False, True, False]
    assert coco.sum() == 2
    with pytest.raises(ConfigError, match="unicorn"):
        select_each("zebra,unicorn", [PETS, COCO])


@pytest.mark.parametrize("text", ["", " , "])
def test_an_empty_list_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="names no category"):
        select(text, PETS)


def test_a_broken_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "seen.json"
    path.write_text('["dog", {}]')
    with pytest.raises(ConfigError, match=r"seen\.json: is not a JSON list"):
        select(str(path), PETS)
