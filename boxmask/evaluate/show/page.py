"""The report as one HTML file with plots, which fetches nothing and runs no script."""

from html import escape

from boxmask.evaluate.report import SystemScore
from boxmask.evaluate.run import Evaluation
from boxmask.evaluate.scoring import SystemMeasurements
from boxmask.evaluate.show.page_tables import class_bars, tables
from boxmask.evaluate.show.plots import charts, colours
from boxmask.evaluate.show.terminal import heading, notes

# Light or dark as the reader has it, in colours that differ to everyone.
_STYLE = """
:root{color-scheme:light dark;--ink:#1d2330;--soft:#667085;--rule:#d9dee7;--back:#fff;
--track:#eef1f6;--c0:#1f6fb5;--c1:#d9730d;--c2:#2a8a5f;--c3:#9b51a8;--c4:#b03a48;--c5:#5b6475}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#98a2b3;--rule:#343b48;--back:#14171d;
--track:#242a34;--c0:#63abeb;--c1:#f2a24d;--c2:#5cc294;--c3:#cf8fdb;--c4:#ec7f8b;--c5:#a7b0bf}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1060px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:24px;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:16px;margin:32px 0 8px}
p{margin:4px 0;color:var(--soft)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
th{color:var(--soft);font-weight:500;border-bottom:1px solid var(--rule);vertical-align:bottom}
th,td{text-align:right;padding:4px 8px;white-space:nowrap}
td{vertical-align:top}
th:nth-child(-n+2),td:nth-child(-n+2){text-align:left;padding-left:0}
td:nth-child(2){white-space:normal;overflow-wrap:anywhere}
tr.first td{border-top:1px solid var(--rule)}
td small{display:block;color:var(--soft);font-size:12px;line-height:1.2;height:0}
.note{margin-top:12px}
.whisker{width:120px;height:16px;vertical-align:middle}
.whisker .strip{stroke:var(--track);stroke-width:4;stroke-linecap:round}
.whisker .span{stroke:var(--c0);stroke-width:4;stroke-linecap:round;opacity:.45}
.whisker .zero{stroke:var(--soft)}
.whisker circle{fill:var(--c0)}
details{margin-top:36px;border-top:2px solid var(--rule);padding-top:14px}
summary{font-size:18px;font-weight:600;cursor:pointer}
.legend{margin:10px 0 0}
.key{margin-right:18px}
.key::before{content:"";display:inline-block;width:12px;height:12px;border-radius:3px;
margin-right:6px;vertical-align:-1px;background:var(--c)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(330px,1fr));gap:20px 28px;
margin-top:12px}
figure{margin:0}
figcaption{font-weight:600;font-size:14px}
figure svg{width:100%;height:auto;display:block}
svg text{fill:var(--soft);font-size:11px;font-variant-numeric:tabular-nums}
svg .label{fill:var(--ink);font-size:12px}
.grid{stroke:var(--rule);stroke-width:1}
.line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}
.dot{fill:var(--c);fill-opacity:.75}
.ideal{stroke:var(--soft);stroke-width:1;stroke-dasharray:4 4}
.c0{--c:var(--c0)}.c1{--c:var(--c1)}.c2{--c:var(--c2)}
.c3{--c:var(--c3)}.c4{--c:var(--c4)}.c5{--c:var(--c5)}
.classes{columns:300px;column-gap:28px;font-size:13px;font-variant-numeric:tabular-nums}
.classes div{display:grid;grid-template-columns:110px 1fr 36px 34px;gap:8px;align-items:center;
break-inside:avoid;text-align:right}
.classes .name{text-align:left;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.classes small{color:var(--soft)}
.track{height:9px;border-radius:3px;background:var(--track);overflow:hidden}
.track i{display:block;height:100%;background:var(--c);border-radius:3px}
"""


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
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<main>{''.join(body)}</main></html>\n"
    )


def _system(found: Evaluation, score: SystemScore, measured: SystemMeasurements) -> str:
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
