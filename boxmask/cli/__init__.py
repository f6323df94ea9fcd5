"""The command line: each command parses, calls one library function and prints."""

import sys

import typer

from boxmask.errors import BoxmaskError

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def root() -> None:
    """Turn the boxes of a dataset into instance masks."""


def main() -> None:
    """Run the app; turn our own errors into one sentence and exit status 1."""
    try:
        app()
    except BoxmaskError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
