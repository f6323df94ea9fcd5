"""The command line: each command parses, calls one library function and prints."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from boxmask.cli.annotate import annotate
from boxmask.cli.check import check
from boxmask.cli.evaluate import evaluate
from boxmask.cli.examples import HELP
from boxmask.cli.exit_status import EXPLANATION, ExitStatus, status_of
from boxmask.cli.models import models
from boxmask.cli.show import show
from boxmask.cli.train import train
from boxmask.errors import BoxmaskError
from boxmask.version import __version__


class _Commands(TyperGroup):
    """The group of all commands; our own errors become one sentence and an exit status."""

    def invoke(self, ctx: Any) -> Any:  # typer brings its own click or shares one, by version
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except BoxmaskError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(status_of(error)) from error
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)
            raise typer.Exit(ExitStatus.INTERRUPTED) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        typer.echo(f"boxmask {__version__}")
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
    "check": check,
    "show": show,
    "eval": evaluate,
    "train": train,
    "models": models,
}
for _name, _command in COMMANDS.items():
    _help = HELP[_name]
    app.command(_name, short_help=_help.summary, epilog=_help.epilog)(_command)
