"""The command line: each command parses, calls one library function and prints."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from boxmask.cli.annotate import annotate
from boxmask.cli.check import check
from boxmask.cli.evaluate import evaluate
from boxmask.cli.models import models
from boxmask.cli.show import show
from boxmask.cli.train import train
from boxmask.errors import BoxmaskError, ConfigError
from boxmask.version import __version__


class Commands(TyperGroup):
    """The group of all commands; our own errors become one sentence and an exit status."""

    def invoke(self, ctx: Any) -> Any:  # typer brings its own click or shares one, by version
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except BoxmaskError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2 if isinstance(error, ConfigError) else 1) from error


app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        typer.echo(f"boxmask {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Turn the boxes of a dataset into instance masks.

    Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but more was skipped than --max-skipped.
    """


app.command()(train)
app.command()(annotate)
app.command()(check)
app.command()(show)
app.command("eval")(evaluate)
app.command()(models)
