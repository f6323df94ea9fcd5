"""Prints what `boxmask review` has written and found out."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from boxmask.cli.printing import counted, print_json, say

if TYPE_CHECKING:
    from boxmask.review.apply import Applied
    from boxmask.review.audit import AuditReport
    from boxmask.review.static import StaticPage


def print_applied(applied: "Applied", *, as_json: bool) -> None:
    """Print what became of the verdicts."""
    if as_json:
        print_json({**asdict(applied), "out": str(applied.out)})
        return
    say(f"{applied.out}: {counted(applied.annotations, 'annotation')} and what was drawn")
    for name, count in applied.counts.items():
        say(f"  {count:>9,} {name}")
    left = {
        "on masks that have changed since: not applied": applied.stale,
        "on crowds: not applied, crowds stay as they are": applied.crowds,
        "on annotations without a mask: not applied": applied.without_mask,
    }
    for what, count in left.items():
        if count:
            say(f"{counted(count, 'verdict')} {what}")


def print_audit(report: "AuditReport", *, as_json: bool) -> None:
    """Print how good the masks are, in at most 80 columns."""
    if as_json:
        print_json(asdict(report))
        return
    drawn = f"{report.sample:,} drawn at random from {counted(report.population, 'mask')}"
    say(f"audit: {drawn} that nobody had judged")
    say(f"  judged so far       {report.judged:>7,}")
    say(f"  of these acceptable {report.acceptable:>7,}")
    if not report.judged:
        say("Judge them, and give the same command again.")
        return
    masks = report.population + report.judged_before
    share = "" if report.share is None else f"{100 * report.share:.1f} %, "
    interval = f"[{100 * report.low:.1f}, {100 * report.high:.1f}]"
    sure = f"{100 * report.confidence:.0f} % interval"
    say(f"acceptable of all {masks:,}: {share}{sure} {interval}")
    if report.threshold is not None:
        say(
            f"At an expected IoU of {report.threshold:.2f} or more, 95 % are acceptable: "
            f"{counted(report.above, 'mask')}"
        )
    elif report.judged == report.sample:
        say("No expected IoU is shown to be one above which 95 % are acceptable.")
    if report.judged < report.sample:
        say("Those not judged count as bad below and as good above: judge them too.")


def print_static(made: "StaticPage", *, as_json: bool) -> None:
    """Print where the page is."""
    if as_json:
        print_json({**asdict(made), "page": str(made.page)})
        return
    say(f"{made.page}: the worst {made.shown:,} of {counted(made.masks, 'mask')}")
    if made.unreadable:
        say(f"{counted(made.unreadable, 'image')} of them cannot be read")
