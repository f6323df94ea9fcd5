"""The ranking as a picture: how far each head is ahead of the reference, one panel a budget.

A dot is the mean, its bar the 95 % interval over images, small dots are seeds; a full dot is a lead
that keeps its sign over both. A diamond is the lead on classes whose masks were seen. SVG that
stands on its own, light whatever is around it.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from contest import BUDGETS, REFERENCE
from ranking import Figure, Standing

_NAMES, _PANEL, _GAP, _LINE, _TOP, _BOTTOM = 260, 330, 44, 22, 72, 78
_LEGEND = (  # x, line, class of the mark, text
    (18, 0, "dot", "unseen classes, and 95 % over images"),
    (18, 1, "dot clear", "the same, where the sign holds over images and all seeds"),
    (380, 0, "seen", "seen classes"),
    (380, 1, "seed", "a seed, unseen classes"),
)
_STYLE = (
    "text{font:13px sans-serif;fill:#222}.small,.tick{font-size:11px;fill:#555}"
    ".tick{text-anchor:middle}.right{text-anchor:end}.head{font-weight:600}"
    ".grid{stroke:#e4e4e4}.zero{stroke:#888}.bar{stroke:#1f5fa8;stroke-width:2}"
    ".dot{stroke:#1f5fa8;stroke-width:2;fill:#fff}.clear{fill:#1f5fa8}.seed{fill:#1f5fa8;opacity:.45}"
    ".seen{fill:none;stroke:#c8641b;stroke-width:1.6}"
)


def draw(ranked: dict[str, list[Standing]]) -> str:
    """Draw all budgets side by side, rows in the order of the first."""
    leads = {
        budget: {one.row: (one.lead, one.seen_lead) for one in rows if one.lead and one.seen_lead}
        for budget, rows in ranked.items()
    }
    names = list(dict.fromkeys(name for found in leads.values() for name in found))
    first = next(iter(leads.values()), {})
    names.sort(key=lambda name: -first[name][0].value if name in first else float("inf"))
    shown = (pair for found in leads.values() for pair in found.values())
    reach = _reach(end for lead, seen in shown for end in (*lead.interval, *lead.seeds, seen.value))
    width = _NAMES + len(leads) * (_PANEL + _GAP)
    height = _TOP + _LINE * len(names) + _BOTTOM
    title = f"IoU on classes whose masks were never seen, in points against {REFERENCE}"
    marks = [f'<text x="12" y="22" class="head">{escape(title)}</text>']
    for row, name in enumerate(names):
        marks.append(f'<text x="12" y="{_y(row) + 4}">{escape(name)}</text>')
    for x, line, kind, text in _LEGEND:
        y = height - 34 + 18 * line
        marks.append(_mark(kind, x, y))
        marks.append(f'<text x="{x + 12}" y="{y + 4}" class="small">{escape(text)}</text>')
    for panel, (budget, found) in enumerate(leads.items()):
        marks += _panel(_NAMES + panel * (_PANEL + _GAP), budget, found, names, reach)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}"><style>{_STYLE}</style>'
        f'<rect width="{width}" height="{height}" rx="6" fill="#fff"/>{"".join(marks)}</svg>'
    )


def _panel(
    left: int,
    budget: str,
    found: dict[str, tuple[Figure, Figure]],
    names: Sequence[str],
    reach: float,
) -> Iterator[str]:
    """Draw a panel: a frame that spans ± reach, and what was found of each name."""
    bottom = _TOP + _LINE * len(names)

    def x(value: float) -> str:
        return f"{left + _PANEL * (value + reach) / (2 * reach):.1f}"

    yield f'<text x="{left}" y="44" class="small">{escape(BUDGETS[budget])}</text>'
    yield f'<text x="{left}" y="{_TOP - 12}" class="small">← worse</text>'
    yield f'<text x="{left + _PANEL}" y="{_TOP - 12}" class="small right">better →</text>'
    yield f'<text x="{x(0)}" y="{_TOP - 12}" class="tick">{escape(REFERENCE)}</text>'
    for share in (-1.0, -0.5, 0.0, 0.5, 1.0):
        value = x(share * reach)
        kind = "grid" if share else "zero"
        text = f"{100 * share * reach:+.3g}" if share else "0"
        yield f'<line class="{kind}" x1="{value}" x2="{value}" y1="{_TOP - 8}" y2="{bottom}"/>'
        yield f'<text class="tick" x="{value}" y="{bottom + 18}">{text}</text>'
    for row, name in enumerate(names):
        if name in found:
            (lead, seen), y = found[name], _y(row)
            low, high = lead.interval
            yield f'<line class="bar" x1="{x(low)}" x2="{x(high)}" y1="{y}" y2="{y}"/>'
            yield from (_mark("seed", x(seed), y + 6) for seed in lead.seeds)
            yield _mark("seen", x(seen.value), y)
            yield _mark("dot clear" if lead.clear else "dot", x(lead.value), y)


def _mark(kind: str, x: object, y: int) -> str:
    if kind == "seen":
        return f'<path class="seen" d="M{x} {y - 5}l5 5l-5 5l-5-5z"/>'
    return f'<circle class="{kind}" cx="{x}" cy="{y}" r="{2 if kind == "seed" else 5}"/>'


def _y(row: int) -> int:
    return _TOP + _LINE * row + _LINE // 2


def _reach(values: Iterable[float]) -> float:
    """Return how far the panels reach to both sides: whole points, an even number of them."""
    most = max(map(abs, values), default=0.0)
    return max(2, 2 * -(-most * 100 // 2)) / 100
