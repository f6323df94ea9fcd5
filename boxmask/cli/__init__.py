"""The command line: each command parses, calls one library function and prints."""

import atexit
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import boxmask.cores  # noqa: F401 - counts from here what else the machine does
from boxmask.cli.annotate import annotate
from boxmask.cli.check import check
from boxmask.cli.detect import detect
from boxmask.cli.evaluate import evaluate
from boxmask.cli.examples import HELP
from boxmask.cli.exit_status import EXPLANATION, ExitStatus, status_of
from boxmask.cli.failure import EXPLAINED, explain, forget_output
from boxmask.cli.groups import GroupedCommand
from boxmask.cli.models import models
from boxmask.cli.printing import say
from boxmask.cli.published import import_published
from boxmask.cli.review import review
from boxmask.cli.show import show
from boxmask.cli.train import train
from boxmask.version import __version__


class _Commands(TyperGroup):
    """The group of all commands; our own errors become one sentence and an exit status."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Parse the arguments; this is where --version is answered."""
        with _explained():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:  # typer brings its own click or shares one, by version
        """Run the chosen command."""
        with _explained():
            return super().invoke(ctx)


@contextmanager
def _explained() -> Iterator[None]:
    """End with one sentence and an exit status where anything fails."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # here, where it can still be said that nobody takes it
    except KeyboardInterrupt:
        say("stopped", err=True)
        raise typer.Exit(ExitStatus.INTERRUPTED) from None
    except BrokenPipeError:
        forget_output()
        raise typer.Exit(ExitStatus.FAILED) from None
    except EXPLAINED as error:
        if isinstance(error, OSError):
            forget_output()
        say(f"error: {explain(error)}", err=True)
        raise typer.Exit(status_of(error)) from error


# A tenth of a short command would go into looking for garbage, half of that when it has ended.
gc.set_threshold(20_000, 20)
atexit.register(gc.freeze)

app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        say(f"boxmask {__version__}")
        raise typer.Exit


@app.callback(epilog=f"{HELP['boxmask'].epilog}\n\nExit status: {EXPLANATION}.")
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_show_version, is_eager=True, help="Show the version."
        ),
    ] = False,
) -> None:
    """Turn the boxes of a dataset into instance masks."""


COMMANDS: dict[str, Callable[..., None]] = {
    "annotate": annotate,
    "detect": detect,
    "check": check,
    "show": show,
    "review": review,
    "eval": evaluate,
    "train": train,
    "models": models,
    "import": import_published,
}
for _name, _command in COMMANDS.items():
    _help = HELP[_name]
    app.command(_name, cls=GroupedCommand, short_help=_help.summary, epilog=_help.epilog)(_command)
