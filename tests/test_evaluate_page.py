"""The page stands alone, and holds what the report holds."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from evaluation_files import Json, form, scene, write
from rich.console import Console

from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.run import Evaluation, evaluate
from boxmask.evaluate.show.page import page_text
from boxmask.evaluate.show.terminal import percent, tables

VOID = {"meta"}


class Balance(HTMLParser):
    """Checks that every tag that opens is closed in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def evaluation(folder: Path, true: Json, predicted: Json, **job: object) -> Evaluation:
    paths = write(folder, "true.json", true), write(folder, "pred.json", predicted)
    return evaluate(EvaluateJob(paths[0], (paths[1],), **job))  # type: ignore[arg-type]


@pytest.fixture
def full(tmp_path: Path) -> Evaluation:
    return evaluation(tmp_path, *scene(0), seen="1,2", baselines=("box",))


def test_the_page_fetches_nothing_and_runs_nothing(full: Evaluation) -> None:
    page = page_text(full)
    assert not re.search(r"https?:|<script|<link|<img|@import|url\(", page)


def test_the_page_is_well_formed_down_to_its_charts(full: Evaluation) -> None:
    page = page_text(full)
    balance = Balance()
    balance.feed(page)
    assert not balance.open
    charts = re.findall(r"<svg.*?</svg>", page)
    assert len(charts) > 6
    for chart in charts:
        assert "nan" not in chart
        ElementTree.fromstring(chart)


def test_page_and_terminal_show_the_figures_of_the_report(full: Evaluation) -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(tables(full.report))
    terminal, page = console.export_text(), page_text(full)
    for system in full.report.systems:
        for name, split in system.splits.items():
            shown = percent(split.iou.class_mean)
            assert name in terminal
            assert shown in terminal
            assert f"<b>{shown}</b>" in page


def test_names_are_escaped(tmp_path: Path) -> None:
    true, predicted = scene(0)
    true["categories"][0]["name"] = "<script>alert(1)</script>"
    page = page_text(evaluation(tmp_path, true, predicted))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("seen", ["all", None])
def test_an_empty_split_and_no_quality_leave_gaps_and_no_crash(
    tmp_path: Path, seen: str | None
) -> None:
    true, _ = scene(0)
    one = form(true["annotations"][:1])
    page = page_text(evaluation(tmp_path, one, one, seen=seen))
    assert "nan" not in page
    assert "Predicted and true" not in page
