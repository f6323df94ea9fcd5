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
from boxmask.evaluate.report import EvaluationReport
from boxmask.evaluate.run import Evaluation, evaluate
from boxmask.evaluate.show.page import page_text
from boxmask.evaluate.show.terminal import format_interval, percent, tables

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


def terminal_rows(report: EvaluationReport) -> list[list[str]]:
    """Return the cells of each line of the terminal's tables, the split of a group in all of it."""
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(tables(report))
    rows: list[list[str]] = []
    for line in console.export_text().splitlines():
        cells = line.split()
        if line.startswith("  ") and cells and rows:
            cells = [rows[-1][0], *cells]
        rows.append(cells or [""])
    return rows


def page_rows(page: str) -> list[list[str]]:
    """Return the text of the cells of each row of the page's tables, likewise."""
    rows: list[list[str]] = []
    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", page):
        cells = re.findall(r"<td>(.*?)</td>", re.sub(r"<(svg|small).*?</\1>|</?b>", "", row))
        rows.append([(cells[0] or rows[-1][0]), *cells[1:]] if cells else [""])
    return rows


def test_page_and_terminal_show_the_figures_of_the_report(full: Evaluation) -> None:
    terminal, page = terminal_rows(full.report), page_rows(page_text(full))
    for system in full.report.systems:
        for name, split in system.splits.items():
            mean = percent(split.iou.class_mean)
            interval = format_interval(split.iou.class_mean_95)
            further = (split.iou.instance_mean, split.boundary_iou.class_mean)
            figures = [mean, interval, *map(percent, further)]
            figures += [percent(size.class_mean) for size in split.sizes.values()]
            assert [name, system.name, *" ".join(figures).split()] in terminal
            assert [name, system.name, mean, "", *figures[1:]] in page
            precisions = [percent(value) for value in split.ap.values()]
            assert [name, system.name, *precisions, system.ap_ranked_by] in terminal


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
