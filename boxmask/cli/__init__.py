"""The command line: each command parses, calls one library function and prints."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from boxmask.cli.annotate import annotate
from boxmask.cli.check import check
from boxmask.cli.evaluate import evaluate
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


app = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


def _show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        typer.echo(f"boxmask {__version__}")
        raise typer.Exit


@app.callback(epilog=f"Exit status: {EXPLANATION}.")
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Turn the boxes of a dataset into instance masks."""


app.command()(train)
app.command()(annotate)
app.command()(check)
app.command()(show)
app.command("eval")(evaluate)
app.command()(models)
