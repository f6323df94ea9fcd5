"""Visual Genome in all its versions: paths, sizes, categories."""

import json
from pathlib import Path

import pytest
from box_files import VG, annotation, coco, genome, genome_images, in_bytes, thing, write

from boxmask.data import ReadOptions, read
from boxmask.data.forms import coco_form
from boxmask.data.genome.categories import read_aliases
from boxmask.data.genome.coco_synsets import COCO_NAMES, SYNSET_OVERRIDES, synset_of_class
from boxmask.data.genome.images import NO_SIZES, NOT_LISTED, file_name
from boxmask.dataset import BoxDataset
from boxmask.errors import ConfigError, InputError
from boxmask.faults import reason_of


def read_objects(folder: Path, *objects: dict[str, object], **options: object) -> BoxDataset:
    path = write(folder / "objects.json", genome(*objects))
    return read(path, ReadOptions(**options))  # type: ignore[arg-type]


def names(dataset: BoxDataset) -> list[str]:
    return [category.name for category in dataset.categories]


def test_objects_become_columns(tmp_path: Path) -> None:
    write(tmp_path / "image_data.json", genome_images())
    dataset = read_objects(tmp_path, thing(), thing(object_id=11, x=78, y=308, w=722, h=290))
    assert dataset.format == "visual-genome"
    assert dataset.boxes.tolist() == [[0, 0, 799, 557], [78, 308, 800, 598]]
    assert list(dataset.annotation_ids) == [10, 11]
    assert list(dataset.image_ids) == [1]
    assert (dataset.widths.tolist(), dataset.heights.tolist()) == ([800], [600])
    assert (dataset.warnings, dataset.faults.tolist()) == ({}, [0, 0])


def test_the_path_comes_from_the_url_not_from_the_id(tmp_path: Path) -> None:
    write(tmp_path / "image_data.json", genome_images(url=f"{VG}VG_100K/61512.jpg"))
    assert read_objects(tmp_path).file_names == ("VG_100K/61512.jpg",)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (f"{VG}VG_100K_2/1.jpg", "VG_100K_2/1.jpg"),
        ("http://elsewhere.org/a/b/VG_100K/1.jpg", "VG_100K/1.jpg"),
        (None, ""),
    ],
)
def test_a_url_becomes_a_path_below_the_image_folder(url: str | None, path: str) -> None:
    assert file_name(url) == path


def test_without_image_data_the_objects_own_url_serves(tmp_path: Path) -> None:
    dataset = read_objects(tmp_path)
    assert dataset.file_names == ("VG_100K_2/9.jpg",)
    assert (dataset.widths.tolist(), dataset.warnings) == ([0], {NO_SIZES: 1})


def test_an_image_that_image_data_lacks_is_counted(tmp_path: Path) -> None:
    other = write(tmp_path / "other.json", genome_images(image_id=2))
    dataset = read_objects(tmp_path, images_json=other)
    assert dataset.warnings == {NOT_LISTED: 1}
    assert dataset.file_names == ("VG_100K_2/9.jpg",)


def test_the_older_id_key_is_understood(tmp_path: Path) -> None:
    old = {"id": 33, "x": 1, "y": 2, "w": 3, "h": 4, "names": ["tree"], "synsets": ["tree.n.01"]}
    path = write(tmp_path / "objects.json", [{"id": 5, "objects": [old]}])
    dataset = read(path)
    assert (list(dataset.annotation_ids), list(dataset.image_ids)) == ([33], [5])


def test_only_objects_with_exactly_one_synset_are_used(tmp_path: Path) -> None:
    synsets = [["a.n.01"], [], ["a.n.01", "b.n.01"], ["b.n.01"]]
    dataset = read_objects(tmp_path, *(thing(synsets=each) for each in synsets))
    wrong = "not exactly one synset"
    assert [reason_of(code) for code in dataset.faults] == ["", wrong, wrong, ""]
    assert dataset.category_index.tolist() == [0, -1, -1, 1]


def test_every_synset_is_counted_and_the_rank_is_the_id(tmp_path: Path) -> None:
    synsets = [["a.n.01"], ["b.n.01", "c.n.01"], ["c.n.01", "b.n.01"], ["c.n.01"]]
    dataset = read_objects(tmp_path, *(thing(synsets=each) for each in synsets))
    assert [(each.id, each.name) for each in dataset.categories] == [
        (1, "c.n.01"),
        (2, "b.n.01"),
        (3, "a.n.01"),
    ]


def test_of_equally_common_synsets_the_first_in_the_file_wins(tmp_path: Path) -> None:
    dataset = read_objects(tmp_path, *(thing(synsets=[s]) for s in ("z.n.01", "a.n.01", "m.n.01")))
    assert names(dataset) == ["z.n.01", "a.n.01", "m.n.01"]


def test_only_the_most_common_classes_are_selected(tmp_path: Path) -> None:
    synsets = ["a.n.01", "b.n.01", "b.n.01"]
    dataset = read_objects(tmp_path, *(thing(synsets=[s]) for s in synsets), classes=1)
    assert names(dataset) == ["b.n.01"]
    faults = [reason_of(code) for code in dataset.faults]
    assert faults == ["category not among the selected classes", "", ""]


def test_aliases_join_names(tmp_path: Path) -> None:
    alias = tmp_path / "object_alias.txt"
    alias.write_text("tree,trees, Oak Tree\nperson,man\n")
    assert read_aliases(alias) == {"trees": "tree", "oak tree": "tree", "man": "person"}
    things = [thing(names=[name]) for name in ("tree", "Trees ", "oak tree", "lamp")]
    dataset = read_objects(tmp_path, *things, vg_categories="name", vg_alias=alias)
    assert names(dataset) == ["tree", "lamp"]
    assert dataset.category_index.tolist() == [0, 0, 0, 1]


def test_an_object_without_a_name_has_no_category_by_name(tmp_path: Path) -> None:
    dataset = read_objects(tmp_path, thing(names=[]), vg_categories="name")
    assert reason_of(dataset.faults[0]) == "category not among the selected classes"


def test_the_joint_list_is_cocos_classes_first_then_the_rest_sorted(tmp_path: Path) -> None:
    synsets = ["zoo.n.01", "sofa.n.01", "arm.n.01", "bear.n.01", "bear.n.02", "bear.n.02"]
    things = [thing(synsets=[synset]) for synset in synsets]
    dataset = read_objects(tmp_path, *things, vg_categories="coco")
    assert names(dataset)[:80] == [f"{name}.coco" for name in COCO_NAMES]
    assert names(dataset)[80:] == ["arm.n.01", "bear.n.01", "zoo.n.01"]
    of_row = [names(dataset)[index] for index in dataset.category_index]
    assert of_row == ["zoo.n.01", "couch.coco", "arm.n.01", "bear.n.01"] + ["bear.coco"] * 2


def test_a_class_aligned_by_hand_is_used_even_if_it_is_rare(tmp_path: Path) -> None:
    things = [thing(synsets=[synset]) for synset in ("a.n.01", "a.n.01", "bag.n.06")]
    dataset = read_objects(tmp_path, *things, vg_categories="coco", classes=1)
    assert dataset.faults.tolist() == [0, 0, 0]
    assert names(dataset)[dataset.category_index[2]] == "suitcase.coco"


def test_a_synset_given_by_hand_wins_over_one_that_is_spelled_like_the_class() -> None:
    assert set(SYNSET_OVERRIDES) < set(COCO_NAMES)
    found = synset_of_class({"couch.n.01": 9, "sofa.n.01": 1, "dog.n.01": 2, "dog.n.03": 1})
    assert (found["couch"], found["dog"]) == ("sofa.n.01", "dog.n.01")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"w": 0}, "box has no width or height"),
        ({"x": None}, "box is missing"),
        ({"x": "1"}, "box does not have four numbers"),
        ({"x": float("nan")}, "box is not finite"),
        ({"x": 800}, "box is outside the image"),
    ],
)
def test_a_defect_is_a_fault_of_its_own_object_only(
    tmp_path: Path, changes: dict[str, object], fault: str
) -> None:
    write(tmp_path / "image_data.json", genome_images())
    dataset = read_objects(tmp_path, thing(), thing(**changes), thing(names="x", synsets=["a"]))
    assert [reason_of(code) for code in dataset.faults] == ["", fault, ""]
    assert json.loads(dataset.records[2])["names"] == "x"


def test_the_coco_form_keeps_all_that_an_object_says(tmp_path: Path) -> None:
    write(tmp_path / "image_data.json", genome_images())
    dataset = read_objects(tmp_path, thing(), thing(synsets=[], note=1.50))
    form = coco_form(dataset)
    head = {key: json.loads(raw) for key, raw in form.top_level()}
    rows = [in_bytes(form.annotation(row)) for row in range(2)]
    picture = {"id": 1, "file_name": "VG_100K_2/9.jpg", "width": 800, "height": 600}
    assert head["images"][0].items() >= (picture | {"flickr_id": 4, "coco_id": None}).items()
    assert "objects" not in head["images"][0]
    assert head["categories"] == [{"id": 1, "name": "tree.n.01"}]
    made = {"id": 10, "image_id": 1, "category_id": 1, "bbox": [0, 0, 799, 557]}
    assert rows[0].items() >= (made | {"area": 799 * 557, "iscrowd": 0}).items()
    assert rows[0]["merged_object_ids"] == b"[5, 6]"
    assert (rows[1]["category_id"], rows[1]["note"]) == (None, b"1.5")


def test_repeated_image_ids_are_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "objects.json", genome() * 2)
    with pytest.raises(InputError, match=r"images\[0\] and images\[1\] both have the id 1"):
        read(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([*genome(), 3], r"images\[1\] is not an object: '3'"),
        ([{"image_id": 1, "objects": {"a": 1}}], r'"objects" of images\[0\] is not a list'),
        ([{"image_id": 1, "objects": [thing(), 4]}], r"images\[0\], objects\[1\] is not an object"),
    ],
)
def test_a_record_that_is_none_is_named(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(write(tmp_path / "objects.json", content), ReadOptions(format="visual-genome"))


def test_image_data_that_is_none_is_named(tmp_path: Path) -> None:
    wrong = write(tmp_path / "wrong.json", coco(annotation()))
    with pytest.raises(InputError, match=r"wrong\.json: the top level is not a list"):
        read_objects(tmp_path, images_json=wrong)


def test_an_unknown_way_of_choosing_categories_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'lvis'; known: coco, name, synset"):
        read_objects(tmp_path, vg_categories="lvis")
