"""Pairing true masks with predictions, by ids that pycocotools stumbles over."""

from pathlib import Path

import pytest
from evaluation_files import Json, annotation, form, rectangle, write

from boxmask.errors import InputError
from boxmask.evaluate.pairing import Instances, Pairing, instances_to_score, pair
from boxmask.evaluate.reading import read_masks


def paired(tmp_path: Path, true: list[Json], predicted: list[Json]) -> tuple[Instances, Pairing]:
    truth = read_masks(write(tmp_path, "true.json", form(true)))
    instances = instances_to_score(truth)
    return instances, pair(
        truth, instances, read_masks(write(tmp_path, "pred.json", form(predicted)))
    )


def results(annotations: list[Json]) -> list[Json]:
    keys = ("image_id", "category_id", "segmentation")
    return [{key: a[key] for key in keys} | {"score": 0.5} for a in annotations]


@pytest.mark.parametrize("ids", [[0, 1, 2], ["a", "b", "1"], [-5, 2**63 + 1, 0.5], [1, "1", "0"]])
def test_any_ids_pair_by_value_whatever_the_order(tmp_path: Path, ids: list[object]) -> None:
    true = [annotation(id) for id in ids]
    _, found = paired(tmp_path, true, [annotation(id) for id in reversed(ids)])
    assert found.rows.tolist() == [2, 1, 0]
    assert not found.missing


def test_missing_and_extra_predictions_are_counted_and_named(tmp_path: Path) -> None:
    true = [annotation(id) for id in range(10)]
    _, found = paired(tmp_path, true, [annotation(0), annotation("x"), annotation("y")])
    assert found.rows.tolist() == [0] + [-1] * 9
    assert found.missing == {"no annotation of this id": 9}
    assert found.missing_ids == [1, 2, 3, 4, 5]
    assert (found.extra, list(found.extra_ids)) == (2, ["x", "y"])


def test_ids_that_have_nothing_in_common_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"pred.json: none of its ids.*'1' and 1\. Text"):
        paired(tmp_path, [annotation(1)], [annotation("1")])


def test_a_skipped_annotation_is_missing_though_it_kept_the_mask_of_its_input(
    tmp_path: Path,
) -> None:
    mark = {"status": "skipped", "reason": "image missing"}
    true = [annotation(1), annotation(2), annotation(3)]
    predicted = [
        annotation(1, boxmask=mark),
        annotation(2, segmentation=[]),
        annotation(3, boxmask={"status": "ok", "predicted_iou": 0.5}),
    ]
    _, found = paired(tmp_path, true, predicted)
    assert found.rows.tolist() == [-1, -1, 2]
    assert found.missing == {"image missing": 1, "no segmentation": 1}


def test_what_cannot_be_scored_is_left_out_with_its_reason(tmp_path: Path) -> None:
    true = [
        annotation(1),
        annotation(2, iscrowd=1),
        annotation(3, segmentation=[]),
        annotation(4, image_id="gone"),
        annotation(5, category_id="gone"),
        annotation(6, segmentation=[[]]),
    ]
    content = form(true)
    content["images"] = content["images"][:1]
    content["categories"] = content["categories"][:1]
    instances = instances_to_score(read_masks(write(tmp_path, "true.json", content)))
    assert instances.rows.tolist() == [0]
    assert instances.left_out == {
        "crowd": 1,
        "no segmentation": 2,
        "no image record": 1,
        "unknown category": 1,
    }


def test_a_repeated_id_is_an_error_naming_file_and_both_records(tmp_path: Path) -> None:
    twice = [annotation("a"), annotation("b"), annotation("a")]
    once = [annotation("a"), annotation("b")]
    with pytest.raises(InputError, match=r"true\.json: records 0 and 2 both .* id 'a'"):
        paired(tmp_path, twice, once)
    with pytest.raises(InputError, match=r"pred\.json: records 0 and 2 both .* id 'a'"):
        paired(tmp_path, once, twice)


def test_the_same_id_on_another_image_is_an_error_naming_both(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"true\.json: annotation 1 .*pred\.json: annotation 1"):
        paired(tmp_path, [annotation(1)], [annotation(1, image_id=2)])


def test_a_file_without_true_masks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"true\.json: has no mask to score .*'crowd': 1"):
        paired(tmp_path, [annotation(1, iscrowd=1)], [annotation(1)])


def test_a_results_list_pairs_by_id_if_it_has_ids(tmp_path: Path) -> None:
    true = [annotation(7), annotation(8)]
    listed = [entry | {"id": id} for entry, id in zip(results(true), (8, 7), strict=True)]
    truth = read_masks(write(tmp_path, "true.json", form(true)))
    predicted = read_masks(write(tmp_path, "pred.json", listed))
    assert pair(truth, instances_to_score(truth), predicted).rows.tolist() == [1, 0]


@pytest.mark.parametrize("with_crowd", [True, False])
def test_a_results_list_without_ids_pairs_in_the_order_of_the_truth(
    tmp_path: Path, with_crowd: bool
) -> None:
    true = [annotation(7), annotation(8, iscrowd=1), annotation(9, rectangle(0, 0, 2, 2))]
    listed = results([a for a in true if with_crowd or not a["iscrowd"]])
    truth = read_masks(write(tmp_path, "true.json", form(true)))
    predicted = read_masks(write(tmp_path, "pred.json", listed))
    assert pair(truth, instances_to_score(truth), predicted).rows.tolist() == [0, len(listed) - 1]


def test_a_results_list_in_another_order_is_refused(tmp_path: Path) -> None:
    true = [annotation(7), annotation(8, image_id=2)]
    truth = read_masks(write(tmp_path, "true.json", form(true)))
    predicted = read_masks(write(tmp_path, "pred.json", results(true)[::-1]))
    with pytest.raises(
        InputError, match=r"pred\.json: its 2 entries have no annotation ids.*\"id\""
    ):
        pair(truth, instances_to_score(truth), predicted)


def test_a_record_of_the_wrong_shape_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "true.json", form([annotation("odd", area="large")]))
    with pytest.raises(InputError, match=r"true\.json: annotations 'odd' .*area"):
        read_masks(path)


def test_a_file_that_is_no_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no annotations"):
        read_masks(write(tmp_path, "true.json", {"images": []}))
