"""The report as one HTML file with plots, which fetches nothing and runs no script."""

from html import escape

from boxmask.evaluate.page_tables import class_bars, tables
from boxmask.evaluate.plots import charts, colours
from boxmask.evaluate.report import SystemScore
from boxmask.evaluate.run import Evaluation
from boxmask.evaluate.scoring import Measured
from boxmask.evaluate.style import STYLE
from boxmask.evaluate.table import heading, notes


def page_text(found: Evaluation) -> str:
    """Return the page: tables of all systems, then the charts and the classes of each."""
    report = found.report
    title = f"{report.systems[0].name} on {report.ground_truth}"
    systems = zip(report.systems, found.systems, strict=True)
    body = [
        f"<h1>{escape(title)}</h1><p>{escape(heading(report))}</p>",
        *tables(report),
        *(f'<p class="note">{escape(note)}</p>' for note in notes(report)),
        *(_system(found, score, measured) for score, measured in systems),
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
        f"<main>{''.join(body)}</main></html>\n"
    )


def _system(found: Evaluation, score: SystemScore, measured: Measured) -> str:
    """Draw one system; all but the first are folded away."""
    unfolded = " open" if score is found.report.systems[0] else ""
    legend = "".join(
        f'<span class="key {colour}">{escape(name)}</span>'
        for name, colour in colours(found.ground).items()
    )
    figures = "".join(
        f"<figure><figcaption>{escape(title)}</figcaption>{chart}</figure>"
        for title, chart in charts(found.ground, measured)
    )
    return (
        f"<details{unfolded}><summary>{escape(score.name)}</summary>"
        f'<p class="legend">{legend}</p><div class="charts">{figures}</div>'
        f"{class_bars(score)}</details>"
    )
