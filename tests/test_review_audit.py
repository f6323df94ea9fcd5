"""Samples for an audit: drawn fairly, drawn again from the file, and honest about the rest."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from review_files import Json, Review, annotated, masked, verdicts_of, write_file

from boxmask.review.audit import Audit, AuditReport, draw, drawn_places
from boxmask.review.judgements import Judgement, Judgements
from boxmask.review.reading import open_instances
from boxmask.review.verdicts import VerdictLog, read_verdicts

MASKS = 400


def many(count: int) -> Json:
    """A file of so many small masks, the expected IoU of each by its place."""
    content = annotated()
    content["annotations"] = [
        masked(k, 7, [k % 30, 3, 2, 2], predicted_iou=round(k / count, 4)) for k in range(count)
    ]
    return content


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_file(tmp_path_factory.mktemp("audit"), many(MASKS))


def drawn(file: Path, size: int, seed: int) -> Audit:
    """Draw a sample without noting it anywhere that stays."""
    verdicts_of(file).unlink(missing_ok=True)
    log = VerdictLog.open(verdicts_of(file), file=file.name, annotations=MASKS)
    try:
        return draw(open_instances(file, file.parent), log, [], size, seed=seed)
    finally:
        log.close()


def said(rows: Iterable[int], good: np.ndarray) -> dict[int, Judgement]:
    """Judge rows as they are."""
    verdicts = ("reject", "accept")
    return {row: Judgement(verdicts[int(good[row])], 9, "") for row in rows}


def report(audit: Audit, good: np.ndarray) -> AuditReport:
    return audit.report(said(audit.rows.tolist(), good))


def test_a_sample_is_without_repetition_and_every_place_is_as_likely() -> None:
    counts = np.zeros(10)
    for seed in range(3000):
        places = drawn_places(10, 4, seed)
        assert len(set(places)) == 4
        counts[places] += 1
    assert (abs(counts / 3000 - 0.4) < 0.04).all()
    assert sorted(drawn_places(7, 7, 1)) == list(range(7))


def test_the_stream_is_the_same_for_ever_and_a_larger_sample_goes_on_with_it() -> None:
    assert drawn_places(1000, 5, 42) == [639, 25, 276, 225, 737]
    assert drawn_places(1000, 50, 42)[:5] == drawn_places(1000, 5, 42)


def test_the_interval_covers_the_truth_in_simulated_audits(file: Path) -> None:
    audit = drawn(file, 60, 0)
    population, chance = audit.population, np.random.default_rng(1)
    held, runs = 0, 300
    for seed in range(runs):
        good = chance.random(MASKS) < 0.2 + 0.8 * np.arange(MASKS) / MASKS
        audit.__dict__["rows"] = population[drawn_places(MASKS, 60, seed)]
        found = report(audit, good)
        held += found.low <= good.mean() <= found.high
    assert held / runs >= 0.95


def test_what_is_said_to_be_good_above_a_threshold_is_so_in_simulated_audits(file: Path) -> None:
    audit = drawn(file, 200, 0)
    population, chance = audit.population, np.random.default_rng(2)
    iou = audit.instances.iou
    wrong, named, runs = 0, 0, 200
    for seed in range(runs):
        good = chance.random(MASKS) < np.where(iou > 0.5, 0.95, 0.5)
        audit.__dict__["rows"] = population[drawn_places(MASKS, 200, seed)]
        threshold = report(audit, good).threshold
        if threshold is not None:
            named += 1
            wrong += good[iou >= threshold].mean() < 0.95
    assert wrong / runs <= 0.06 and named


def test_a_clear_threshold_is_found(file: Path) -> None:
    audit = drawn(file, 300, 3)
    good = np.arange(MASKS) >= 100
    found = report(audit, good)
    assert found.threshold is not None and 0.15 <= found.threshold <= 0.3
    assert found.above == int((audit.instances.iou >= np.float32(found.threshold)).sum())


def test_judging_them_all_leaves_no_doubt(file: Path) -> None:
    good = np.arange(MASKS) % 4 > 0
    found = report(drawn(file, MASKS, 0), good)
    assert found.low == found.high == found.share == 0.75


def test_what_waits_for_a_verdict_makes_nothing_look_better(file: Path) -> None:
    audit = drawn(file, 100, 0)
    some = audit.report(said(audit.rows[:50].tolist(), np.ones(MASKS)))
    assert (some.judged, some.acceptable, some.share) == (50, 50, 1.0)
    assert some.low < 0.5 and some.high == 1.0 and some.threshold is None
    none = audit.report({})
    assert none.share is None and (none.low, none.high) == (0.0, 1.0)


def test_the_sample_is_of_what_was_made_and_not_judged_before(tmp_path: Path) -> None:
    path = write_file(tmp_path, annotated())
    review = Review(path, tmp_path)
    review.judge(1, "reject")
    audit = draw(review.instances, review.log, review.entries, 10)
    assert sorted(audit.rows.tolist()) == [0, 2]
    review.judge(0, "accept")
    review.judge(2, "accept")
    review.end()
    instances, entries = open_instances(path, tmp_path), read_verdicts(verdicts_of(path)).entries
    again = Audit.latest(instances, entries)
    assert again is not None and again.rows.tolist() == audit.rows.tolist()
    found = again.report(Judgements.of(entries, instances).by_row)
    assert (found.population, found.judged_before, found.judged) == (2, 1, 2)
    assert found.share == found.low == found.high == pytest.approx(2 / 3)


def test_a_sample_of_the_same_size_is_gone_on_with(tmp_path: Path) -> None:
    path = write_file(tmp_path, annotated())
    review = Review(path, tmp_path)
    first = draw(review.instances, review.log, review.entries, 2)
    assert draw(review.instances, review.log, review.entries, 2).drawn == first.drawn
    assert draw(review.instances, review.log, review.entries, 3).drawn.seq > first.drawn.seq
    review.end()


def test_a_sample_of_other_masks_is_none(tmp_path: Path) -> None:
    path = write_file(tmp_path, annotated())
    review = Review(path, tmp_path)
    draw(review.instances, review.log, review.entries, 2)
    review.end()
    content = annotated()
    content["annotations"][0]["boxmask"]["predicted_iou"] = 0.5
    changed = open_instances(write_file(tmp_path, content), tmp_path)
    assert Audit.latest(changed, read_verdicts(verdicts_of(path)).entries) is None
