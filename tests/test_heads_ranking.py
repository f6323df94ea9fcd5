"""The experiment that ranks mask heads: what runs share, what is measured, and who is ahead."""

import runpy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from pytest import MonkeyPatch
from training_files import collect, write_dataset

from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.run import evaluate
from boxmask.models.config import BY_CLASS
from boxmask.models.heads import HEADS, convolutional
from boxmask.models.network import build
from boxmask.models.weights import load_network, save_network
from boxmask.train.data.batch_dataset import BatchDataset
from boxmask.train.recipe import check_recipe

FOLDER = Path(__file__).parents[1] / "examples" / "heads"
sys.path.append(str(FOLDER))

from contest import (  # noqa: E402
    BUDGETS,
    DIRECTIONS,
    REFERENCE,
    ROWS,
    START,
    Run,
    Settings,
    cost,
    runs,
    width_of,
)
from ledger import Boxes, Measured, Scores, append, finished  # noqa: E402
from picture import draw  # noqa: E402
from ranking import Standings  # noqa: E402
from scoring import measure, read_truth  # noqa: E402
from tables import markdown  # noqa: E402
from teaching import NoBody, take_over, teach  # noqa: E402

PLACE = Path("nowhere")
SETTINGS = Settings(
    train=PLACE, val=PLACE, images=PLACE, out=PLACE, backbone="tiny", view_size=64, width=8, batch=3
)


@pytest.fixture(autouse=True)
def no_head(monkeypatch: MonkeyPatch) -> None:
    """Have the mask predictor alone in the registry for the time of a test."""
    monkeypatch.setitem(HEADS, "none", convolutional(NoBody))


def test_every_head_of_a_paper_has_a_row() -> None:
    ours = {"hourglass26"}
    deeper = {"hourglass32", "hourglass100", "resnet8", "resnet12", "resnet16", "fc4"}
    alike = {"resnet20-dilated10"}
    assert {row.head for row in ROWS.values()} == set(HEADS) - ours - deeper - alike - set(BY_CLASS)


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_a_sound_recipe_of_one_question(row: str) -> None:
    recipe = Run(row, 8, "voc", 1).recipe(SETTINGS)
    check_recipe(recipe)
    assert recipe.model.view_per_box and recipe.model.mask_size == 32 and recipe.model.quality
    assert recipe.augment.box_jitter == 0 and recipe.seed == 2


def test_all_rows_see_the_same_views_in_the_same_order(tmp_path: Path) -> None:
    path = write_dataset(tmp_path)
    batches = [
        BatchDataset(collect(path), Run(row, 8, "all", 0).recipe(SETTINGS), parts=1)[7]
        for row in (REFERENCE, "HTC", "PSPNet")
    ]
    for other in batches[1:]:
        assert torch.equal(batches[0].views.pixels, other.views.pixels)
        assert torch.equal(batches[0].targets, other.targets)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    path = write_dataset(tmp_path_factory.mktemp("heads"))
    settings = replace(SETTINGS, width=4, start=2, steps=2, out=path.parent)
    return replace(settings, train=path, val=path, images=path.parent / "images")


def test_rows_start_from_what_one_network_learnt_of_the_same_classes(small: Settings) -> None:
    settings = replace(small, steps=1)
    for row in ("ShapeMask", "Mask R-CNN, no embedding", "Mask R-CNN, true and noisy boxes"):
        network = teach(Run(row, 4, "voc", 0), settings)
        start, _ = load_network(settings.out / "starts" / "voc.safetensors")
        assert start.config.head == ROWS[START].head
        fresh = build(network.config)
        take_over(fresh, start)
        theirs = start.state_dict()
        taken = [name for name in fresh.state_dict() if "backbone" in name or "region" in name]
        assert taken and all(torch.equal(fresh.state_dict()[name], theirs[name]) for name in taken)
        learnt = network.state_dict()
        assert not all(torch.equal(learnt[name], theirs[name]) for name in taken)
    shapes = teach(Run("ShapeMask", 4, "voc", 0), settings).last_branch.head.shapes
    assert isinstance(shapes, torch.Tensor) and shapes.any()


@pytest.mark.parametrize("loosen", [0.0, 0.1])
def test_masks_measure_as_eval_measures_them(
    small: Settings, tmp_path: Path, loosen: float
) -> None:
    settings, weights = replace(small, loosen=loosen), tmp_path / "w.safetensors"
    network = build(Run(REFERENCE, 4, "voc", 0).recipe(settings).model).eval()
    save_network(weights, network, {})
    found = measure(network, settings).loose
    job = EvaluateJob(settings.val, weights=weights, images=settings.images, loosen=loosen)
    (system,) = evaluate(replace(job, threads=1, workers=1)).systems
    for ours, theirs in ((found.iou, system.values["iou"]), (found.expected, system.quality)):
        np.testing.assert_allclose(np.array(ours, dtype=float), theirs, atol=6e-5)
    np.testing.assert_allclose(found.boundary, system.values["boundary_iou"], atol=6e-5)
    assert read_truth(settings).described().voc == [True, False, True]


def test_at_equal_cost_every_head_that_can_costs_what_the_reference_does() -> None:
    settings = replace(SETTINGS, width=16)
    some = ("ResNet-4", "Mask R-CNN", "HTC", "CPMask", "FCN-8s", "Mask R-CNN, dense")
    wanted = cost(REFERENCE, 16, settings).per_box
    for row in some:
        width = width_of(row, "cost", settings)
        if ROWS[row].widens:
            assert cost(row, width, settings).per_box == pytest.approx(wanted, rel=0.2), row
        else:
            assert width == 16


def test_runs_come_once_and_seed_by_seed() -> None:
    some = [REFERENCE, "Mask R-CNN", "filled box"]
    order = list(runs(some, list(BUDGETS), 2, SETTINGS))
    assert order[0] == Run("filled box", 0, "none", 0)
    assert [run.seed for run in order[1:]] == [0] * 6 + [1] * 6  # the reference is one of both
    assert len(set(order)) == len(order) == len({run.name for run in order})


def scores(iou: npt.NDArray[np.float64]) -> Measured:
    found = Scores(iou.tolist(), (iou / 2).tolist(), (iou + 0.1).tolist())
    return Measured(found, Scores((iou - 0.2).tolist(), iou.tolist(), iou.tolist()))


# Two boxes of each of four images: one of a VOC class, one of another.
BOXES = Boxes([0, 0, 1, 1, 2, 2, 3, 3], [0, 1] * 4, [True, False])


def results() -> dict[Run, Measured]:
    """HTC is ahead by 10 points on whatever was not seen, and by none on what was."""
    found = {Run("ellipse", 0, "none", 0): scores(np.full(8, 0.25))}
    width = width_of("HTC", "steps", SETTINGS)
    for way in DIRECTIONS:
        unseen = np.arange(8) % 2 == (way == "voc")
        for seed in (0, 1):
            even = np.full(8, 0.5)
            found[Run(REFERENCE, SETTINGS.width, way, seed)] = scores(even)
            ahead = np.where(unseen, 0.6 + 0.02 * seed - 0.01, 0.5)
            found[Run("HTC", width, way, seed)] = scores(ahead)
    return found


def test_the_ranking_tells_who_is_ahead_on_what_was_not_seen() -> None:
    ranked = Standings(results(), BOXES, SETTINGS).all()
    assert list(ranked) == ["steps"]
    htc, reference, ellipse = ranked["steps"]
    assert [one.row for one in (htc, reference, ellipse)] == ["HTC", REFERENCE, "ellipse"]
    assert reference.lead is None and ellipse.lead is None
    assert htc.lead is not None and htc.lead.clear
    assert htc.lead.value == pytest.approx(0.1) and htc.lead.seeds == pytest.approx((0.09, 0.11))
    for way in htc.ways.values():
        assert (way.seen, way.unseen.value) == pytest.approx((0.5, 0.6))
    assert (htc.boundary, htc.loose) == pytest.approx((0.3, 0.4))
    assert htc.calibration is not None
    assert htc.calibration.expected_calibration_error == pytest.approx(0.1)


def test_a_lead_of_one_seed_or_of_either_sign_is_not_clear() -> None:
    found = results()
    one = {run: measured for run, measured in found.items() if run.seed == 0}
    lead = Standings(one, BOXES, SETTINGS).all()["steps"][0].lead
    assert lead is not None and not lead.clear
    width = width_of("HTC", "steps", SETTINGS)
    found |= {Run("HTC", width, way, 1): scores(np.full(8, 0.4)) for way in DIRECTIONS}
    standings = Standings(found, BOXES, SETTINGS).all()["steps"]
    (lead,) = (one.lead for one in standings if one.row == "HTC")
    assert lead is not None and lead.seeds == pytest.approx((0.09, -0.1)) and not lead.clear


def test_a_seed_counts_that_was_run_in_both_directions() -> None:
    found = results()
    del found[Run("HTC", width_of("HTC", "steps", SETTINGS), "voc", 1)]
    htc, reference, _ = Standings(found, BOXES, SETTINGS).all()["steps"]
    assert (htc.seeds, reference.seeds) == (1, 2)
    assert htc.lead is not None and htc.lead.seeds == pytest.approx((0.09,))
    text = markdown({"steps": [htc, reference]}, boxes=8, settings=SETTINGS)
    assert "Seeds: 2 of Hourglass-20; 1 of HTC." in text


def test_tables_and_picture_tell_the_ranking() -> None:
    ranked = Standings(results(), BOXES, SETTINGS).all()
    text = markdown(ranked, boxes=8, settings=SETTINGS)
    assert "### Equal steps and widths" in text and f"2 of {len(ROWS)}. Seeds: 2." in text
    assert "**+10.0** [+10.0, +10.0] | +9.0, +11.0 | +0.0 [+0.0, +0.0] |" in text
    assert (
        "| HTC | 50.0 | 60.0 [60.0, 60.0] | -10.0 | 50.0 | 60.0 [60.0, 60.0] | -10.0 | -10.0 |"
        in text
    )
    assert "| HTC | 30.0 | 40.0 | 10.0 |" in text
    assert (
        "| ellipse | 25.0 | 25.0 [25.0, 25.0] | 0.0 | 25.0 | 25.0 [25.0, 25.0] | 0.0 | 0.0 |"
        in text
    )
    svg = draw(ranked)
    assert svg.count('class="dot clear"') == 1 + 1 and svg.count('class="seed"') == 2 + 1
    assert svg.count('class="seen"') == 1 + 1  # one of each is in the legend


def test_an_order_of_heads_that_have_learnt_nothing_is_called_so() -> None:
    warning = "Hourglass-20 is behind ellipse: little has been learnt"
    found = results()
    learnt = markdown(Standings(found, BOXES, SETTINGS).all(), boxes=8, settings=SETTINGS)
    found[Run("ellipse", 0, "none", 0)] = scores(np.full(8, 0.55))
    nothing = markdown(Standings(found, BOXES, SETTINGS).all(), boxes=8, settings=SETTINGS)
    assert warning in nothing and warning not in learnt


def test_a_line_cut_off_by_a_crash_is_no_run(tmp_path: Path) -> None:
    for run, measured in results().items():
        append(tmp_path, run, measured)
    path = tmp_path / "runs.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert len(finished(tmp_path)) == len(results()) - 1


def test_the_command_does_what_is_missing_and_no_more(
    tmp_path: Path, monkeypatch: MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_dataset(tmp_path / "data")
    out = tmp_path / "out"
    words = [str(path.parent), "--out", str(out), "--train", path.name, "--val", path.name]
    words += ["--rows", REFERENCE, "filled box", "--seeds", "1", "--jobs", "1"]
    words += ["--budgets", "steps", "--backbone", "tiny", "--view-size", "64", "--width", "4"]
    words += ["--batch", "2", "--start", "1", "--steps"]
    done = Run(REFERENCE, 4, "voc", 0)
    out.mkdir()
    append(out, done, scores(np.full(9, 0.5)))
    command(monkeypatch, *words, "2")
    told = capsys.readouterr().out
    assert "2/2 hourglass-20-4-non-voc-0:" in told and "hourglass-20-4-voc-0" not in told
    assert set(finished(out)[done].exact.iou) == {0.5} and len(finished(out)) == 3
    assert [path.name for path in (out / "starts").iterdir()] == ["non-voc.safetensors"]
    page = tmp_path / "page.md"
    page.write_text("No place.\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="lacks the lines <!-- ranking"):
        command(monkeypatch, *words, "2", "--report", "--page", str(page))
    marks = "<!-- ranking: examples/heads/rank.py -->\n", "<!-- end of ranking -->\n\nEnd.\n"
    page.write_text(f"Before.\n\n{marks[0]}old\n{marks[1]}", encoding="utf-8")
    capsys.readouterr()
    command(monkeypatch, *words, "2", "--report", "--page", str(page))
    tables = (out / "ranking.md").read_text(encoding="utf-8")
    assert tables in capsys.readouterr().out
    written = page.read_text(encoding="utf-8")
    assert written == f"Before.\n\n{marks[0]}\n{tables}\n{marks[1]}"
    assert (tmp_path / "page.svg").read_bytes() == (out / "ranking.svg").read_bytes()
    with pytest.raises(SystemExit, match="other settings"):
        command(monkeypatch, *words, "3")


def command(monkeypatch: MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["heads", *words])
    runpy.run_path(str(FOLDER / "rank.py"), run_name="__main__")
