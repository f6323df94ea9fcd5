"""How the commands print: JSON for programs, numbers for people. Lines go through `typer.echo`."""

from typing import Annotated

import typer

Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, no summary: warnings and errors only.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def print_json(value: object, *, indent: int = 0) -> None:
    """Print a value on standard output: in one line, or a key a line with `indent` spaces."""
    import msgspec

    text = msgspec.json.encode(value)
    typer.echo(msgspec.json.format(text, indent=indent) if indent else text)


def format_duration(seconds: float) -> str:
    """Write a time as people say it.

    >>> [format_duration(seconds) for seconds in (3.21, 75, 7260)]
    ['3.2 s', '1 min 15 s', '2 h 1 min']
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
