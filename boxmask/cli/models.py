"""`boxmask models`: what networks can be made of, and the weights at hand."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from boxmask.bundled import BUNDLED
from boxmask.cli.printing import AsJson, console, counted, print_json, say

_Row = dict[str, Any]

# Columns of the tables, and what stands above them.
_COLUMNS = {
    "name": "name",
    "made_of": "made of",
    "families": "families",
    "parameters": "M params",
    "per_image": "G/image",
    "per_box": "M/box",
}
# What a number is divided by under that heading.
_UNITS = {"parameters": 1e6, "per_image": 1e9, "per_box": 1e6}


def models(
    path: Annotated[
        Path, typer.Argument(help="A weights file, or a folder that holds *.safetensors.")
    ] = Path(),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the weights at hand.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also what the weights have learnt from.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List models, heads, backbones and the weights at hand, with what each costs."""
    from boxmask.models.catalogue import (
        list_backbones,
        list_heads,
        list_presets,
        list_weights,
    )

    listed = {
        "models": list_presets(),
        "heads": list_heads(),
        "backbones": list_backbones(),
        "weights": list_weights(BUNDLED) + list_weights(path),
    }
    if as_json:
        print_json(listed, indent=2)
        return
    for title, rows in listed.items():
        if title == "weights" or not quiet:
            _print_table(title, rows)
    for row in listed["weights"] if verbose else ():
        _print_card(row)
    say("G/image, M/box: multiply-adds")


def _print_table(title: str, rows: list[_Row]) -> None:
    """Print one table with the columns that its rows have; what cannot be used, below it."""
    from rich.table import Table

    usable = [row for row in rows if "error" not in row]
    if usable:
        table = Table(title=title, title_justify="left")
        present = [key for key in _COLUMNS if key in usable[0]]
        for key in present:
            side: Literal["right", "left"] = "right" if key in _UNITS else "left"
            table.add_column(_COLUMNS[key], justify=side, no_wrap=key == "name")
        for row in usable:
            table.add_row(*(_cell(row[key], _UNITS.get(key)) for key in present))
        console().print(table)
    else:
        say(f"{title}: none here")
    for row in rows:
        if "error" in row:
            say(f"not usable: {row['error']}")


def _print_card(row: _Row) -> None:
    """Print what a network has learnt from, as its card says."""
    data = row.get("card", {}).get("data", [])
    masks = sum(one["masks"] for one in data)
    say(f"{row['name']}: {masks:,} masks of {counted(len(data), 'file')}")
    for one in data:
        licences = ", ".join(one["licences"]) or "none stated"
        say(f"  {one['file']}: {one['images']:,} images, {one['masks']:,} masks")
        say(f"    licences of the images: {licences}")


def _cell(value: Any, unit: float | None) -> str:
    """Write one value as people read it."""
    if isinstance(value, list):
        return ", ".join(value)
    if unit is None:
        return str(value)
    return f"{value / unit:,.1f}" if value else ""
