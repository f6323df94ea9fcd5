"""What every command says to the shell at its end: the only table of exit statuses."""

from enum import IntEnum

import typer

from boxmask.cli.printing import say
from boxmask.errors import ConfigError


class ExitStatus(IntEnum):
    """The exit statuses; MEANINGS says them to the user."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    TOO_MANY_SKIPPED = 3
    NOT_CONSERVED = 4
    FEW_MASKS = 5
    INTERRUPTED = 130  # as shells count a child that SIGINT has ended: 128 + 2


MEANINGS = {
    ExitStatus.DONE: "done",
    ExitStatus.FAILED: "failed",
    ExitStatus.USAGE: "wrong usage",
    ExitStatus.TOO_MANY_SKIPPED: "done but more was skipped than --max-skipped",
    ExitStatus.NOT_CONSERVED: "checked, and annotations are lost or changed",
    ExitStatus.FEW_MASKS: "no mask made or scored, or half the boxes or more lack a usable image",
    ExitStatus.INTERRUPTED: "interrupted",
}
EXPLANATION = ", ".join(f"{int(status)} {meaning}" for status, meaning in MEANINGS.items())


def status_of(error: BaseException) -> ExitStatus:
    """Return the status of a command that ends with an error."""
    return ExitStatus.USAGE if isinstance(error, ConfigError) else ExitStatus.FAILED


def exit_if_short(shortage: str, *, skipped: int = 0, max_skipped: int | None = None) -> None:
    """End a command that has printed its result but is no success: too few masks, or too much
    skipped."""
    if shortage:
        say(f"warning: {shortage}", err=True)
    if max_skipped is not None and skipped > max_skipped:
        raise typer.Exit(ExitStatus.TOO_MANY_SKIPPED)
    if shortage:
        raise typer.Exit(ExitStatus.FEW_MASKS)
