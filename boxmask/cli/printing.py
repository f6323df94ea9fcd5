"""How the commands print: lines and tables for people, JSON for programs.

All that is printed goes through here. It quotes names and texts of the data, which may hold
anything: escape sequences that move the cursor, halves of characters, or what rich takes for
markup. They are shown as they are written in JSON.
"""

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

# Controls but for the line end and the tab, what turns the direction of text, and half characters.
_UNPRINTABLE = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Nothing but warnings and errors.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def plain(text: object) -> str:
    """Return a text in which nothing acts upon a terminal.

    >>> plain("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))


def say(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Print a line, on standard error if `err`."""
    typer.echo(plain(text), err=err, nl=nl)


def console(*, err: bool = False) -> "Console":
    """Return what prints tables; texts in them are shown as they are, never taken for markup."""
    from rich.console import Console
    from rich.text import Text

    class _Plain(Console):
        def render_str(self, text: str, **options: Any) -> Text:
            """Render any text of a table."""
            options |= {"markup": False, "emoji": False}
            return super().render_str(plain(text), **options)

    return _Plain(stderr=err, markup=False, emoji=False)


def print_json(value: object, *, indent: int = 0) -> None:
    """Print a value on standard output: in one line, or a key a line with `indent` spaces."""
    import msgspec

    text = msgspec.json.encode(value)
    typer.echo(msgspec.json.format(text, indent=indent) if indent else text)


def counted(number: int, what: str) -> str:
    """Write how many there are of something.

    >>> counted(1, "mask"), counted(1200, "image"), counted(0, "entry")
    ('1 mask', '1,200 images', '0 entries')
    """
    if number != 1:
        what = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{number:,} {what}"


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
