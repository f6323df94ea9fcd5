"""The ranking as Markdown: under each budget a table of leads, one of IoU and one of all else."""

from collections.abc import Iterator, Sequence

import numpy as np
from contest import BUDGETS, DIRECTIONS, FLOORS, REFERENCE, ROWS, Settings
from ranking import Figure, Standing

from boxmask.evaluate.show.terminal import format_interval, percent


def markdown(ranked: dict[str, list[Standing]], *, boxes: int, settings: Settings) -> str:
    """Write the tables of all budgets, and what such a budget can tell apart."""
    return "\n\n".join(
        f"### {BUDGETS[budget].capitalize()}\n\n{_known(rows, boxes, settings)}\n\n"
        f"{_lead_table(rows)}\n\n{_iou_table(rows)}\n\n{_other_table(rows, settings)}"
        for budget, rows in ranked.items()
    )


def _known(rows: Sequence[Standing], boxes: int, settings: Settings) -> str:
    leads = [row.lead for row in rows if row.lead]
    text = f"{settings.steps} steps of {settings.batch} boxes; {boxes} boxes to measure on. "
    text += _seeds(rows)
    if not leads:
        return text
    text += _learnt(rows)
    halves = [(lead.interval[1] - lead.interval[0]) / 2 for lead in leads]
    clear = sum(lead.clear for lead in leads)
    return (
        f"{text} Intervals of the leads are ±{percent(float(np.median(halves)))} points in the "
        f"median. {clear} of {len(leads)} leads (in bold) keep their sign over other images and "
        "with every seed, of which there must be two; the rest is not told apart."
    )


def _seeds(rows: Sequence[Standing]) -> str:
    """Say how many rows have been run, and with how many seeds each."""
    learnt = sum(row.row in ROWS for row in rows)
    text = f"Rows: {learnt} of {len(ROWS)}."
    counts = sorted({row.seeds for row in rows if row.row in ROWS}, reverse=True)
    if len(counts) == 1:
        return f"{text} Seeds: {counts[0]}."
    parts = []
    for count in counts:
        names = ", ".join(row.row for row in rows if row.row in ROWS and row.seeds == count)
        parts.append(f"{count} of {names}")
    return f"{text} Seeds: {'; '.join(parts)}."


def _learnt(rows: Sequence[Standing]) -> str:
    """Warn of a reference that has not learnt more than what needs no learning knows."""
    means = {row.row: row.unseen for row in rows}
    ahead = [floor for floor in FLOORS if floor in means and means[floor] > means[REFERENCE]]
    if not ahead:
        return ""
    named = ", ".join(ahead)
    return f" {REFERENCE} is behind {named}: little has been learnt, and the order means nothing."


def _lead_table(rows: Sequence[Standing]) -> str:
    """Write how far each row is ahead of the reference."""
    titles = ["head", "K", "M", "unseen: ahead, 95 %", "by seed", "seen: ahead, 95 %"]
    compared = [row for row in rows if row.row == REFERENCE or row.lead]
    return _table(titles, [list(_lead_cells(row)) for row in compared])


def _lead_cells(row: Standing) -> Iterator[str]:
    yield row.row
    yield from (f"{row.parameters / 1e3:,.0f}", f"{row.multiply_adds / 1e6:.0f}")
    if row.lead is None or row.seen_lead is None:
        yield from ("", "", "")
        return
    yield _ahead(row.lead)
    yield ", ".join(percent(seed, signed=True) for seed in row.lead.seeds)
    yield _ahead(row.seen_lead)


def _ahead(lead: Figure) -> str:
    value = percent(lead.value, signed=True)
    shown = f"**{value}**" if lead.clear else value
    return f"{shown} {format_interval(lead.interval, signed=True)}"


def _iou_table(rows: Sequence[Standing]) -> str:
    """Write what each row reaches in each direction."""
    titles = ["IoU"]
    for way in DIRECTIONS.values():
        titles += [f"{way}: seen", "unseen, 95 %", "gap"]
    titles.append("both: gap")
    return _table(titles, [list(_iou_cells(row)) for row in rows])


def _iou_cells(row: Standing) -> Iterator[str]:
    yield row.row
    for way in row.ways.values():
        unseen = way.unseen
        yield percent(way.seen)
        yield f"{percent(unseen.value)} {format_interval(unseen.interval)}"
        yield percent(way.seen - unseen.value)
    yield percent(row.gap)


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


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
