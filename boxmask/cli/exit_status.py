"""What every command says to the shell at its end: the only table of exit statuses."""

from enum import IntEnum

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
