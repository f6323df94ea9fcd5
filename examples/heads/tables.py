"""The ranking as Markdown: a table of IoU and one of all else under each budget."""

from collections.abc import Iterator, Sequence

import numpy as np
from contest import BUDGETS, DIRECTIONS, FLOORS, REFERENCE, Settings
from ranking import Standing

from boxmask.evaluate.show.terminal import format_interval, percent


def markdown(ranked: dict[str, list[Standing]], *, boxes: int, settings: Settings) -> str:
    """Write the tables of all budgets, and what such a budget can tell apart."""
    return "\n\n".join(
        f"### {BUDGETS[budget].capitalize()}\n\n"
        f"{_known(rows, boxes, settings)}\n\n{_iou_table(rows)}\n\n{_other_table(rows, settings)}"
        for budget, rows in ranked.items()
    )


def _known(rows: Sequence[Standing], boxes: int, settings: Settings) -> str:
    leads = [row.lead for row in rows if row.lead]
    seeds = max((len(lead.seeds) for lead in leads), default=1)
    text = f"{settings.steps} steps of {settings.batch} boxes, {seeds} seeds, {boxes} boxes."
    if not leads:
        return text
    text += _learnt(rows)
    halves = [(lead.interval[1] - lead.interval[0]) / 2 for lead in leads]
    clear = sum(lead.clear for lead in leads)
    return (
        f"{text} Intervals of the leads are ±{percent(float(np.median(halves)))} points in the "
        f"median. {clear} of {len(leads)} leads (in bold) keep their sign over other images and "
        "with every seed; the rest is not told apart."
    )


def _learnt(rows: Sequence[Standing]) -> str:
    """Warn of a reference that has not learnt more than what needs no learning knows."""
    means = {row.row: np.mean([way.unseen.value for way in row.ways.values()]) for row in rows}
    ahead = [floor for floor in FLOORS if floor in means and means[floor] > means[REFERENCE]]
    if not ahead:
        return ""
    named = ", ".join(ahead)
    return f" {REFERENCE} is behind {named}: little has been learnt, and the order means nothing."


def _iou_table(rows: Sequence[Standing]) -> str:
    titles = ["head", "K", "M", f"ahead of {REFERENCE} on unseen, 95 %", "seeds"]
    for way in DIRECTIONS.values():
        titles += [f"{way}: seen", "unseen, 95 %", "gap"]
    return _table(titles, [list(_iou_cells(row)) for row in rows])


def _iou_cells(row: Standing) -> Iterator[str]:
    yield row.row
    yield from _price(row)
    if row.lead:
        value = percent(row.lead.value, signed=True)
        shown = f"**{value}**" if row.lead.clear else value
        yield f"{shown} {format_interval(row.lead.interval, signed=True)}"
        yield ", ".join(percent(seed, signed=True) for seed in row.lead.seeds)
    else:
        yield from ("", "")
    for name in DIRECTIONS:
        way = row.ways.get(name)
        if way is None:
            yield from ("", "", "")
            continue
        unseen = way.unseen
        yield percent(way.seen)
        yield f"{percent(unseen.value)} {format_interval(unseen.interval)}"
        yield percent(way.seen - unseen.value)


def _other_table(rows: Sequence[Standing], settings: Settings) -> str:
    loose = f"IoU, boxes {100 * settings.loosen:g} % loose"
    titles = ["unseen classes", "boundary IoU", loose, "calibration error", "rank correlation"]
    return _table(titles, [list(_other_cells(row)) for row in rows])


def _other_cells(row: Standing) -> Iterator[str]:
    yield from (row.row, percent(row.boundary), percent(row.loose))
    if row.calibration is None:
        yield from ("", "")
    else:
        yield percent(row.calibration.expected_calibration_error)
        yield f"{row.calibration.spearman:.2f}"


def _price(row: Standing) -> tuple[str, str]:
    if not row.parameters:
        return "", ""
    return f"{row.parameters / 1e3:,.0f}", f"{row.multiply_adds / 1e6:.0f}"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
