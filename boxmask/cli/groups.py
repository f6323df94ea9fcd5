"""The options of a command's help in groups: forty in one list are read by nobody.

What everybody needs comes first, and a line is short: `--steps N  Steps of the optimiser. [60]`.
"""

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from typer.core import TyperCommand

from boxmask.export import EXPORTS, ExportOptions

GROUPS: dict[str, tuple[str, ...]] = {
    "A part of the boxes": ("limit", "category", "image", "id"),
    "The masks": (
        *("flip", "tightness", "neighbours", "overwrite", "rectangles", "polygons", "tolerance"),
        *("max_vertices", "tighten"),
    ),
    "More outputs, each where its option says": tuple(EXPORTS),
    "How these are written": tuple(field.name for field in fields(ExportOptions)),
    "How boxes and images are read": (
        *("format", "bbox", "images_json", "metadata", "min_conf", "vg_categories", "vg_alias"),
        *("classes", "exif", "max_pixels", "decode", "follow_links"),
    ),
    "The machine": (
        *("device", "precision", "runtime", "workers", "engine", "ray_address", "threads", "state"),
        *("decoders", "batch_images", "batch_boxes", "shard_boxes"),
    ),
}
"""Parameters by the title that they stand under, in any command; all others are "Options"."""

_TITLES = {name: title for title, names in GROUPS.items() for name in names}
_ORDER = {name: place for place, name in enumerate(_TITLES)}
_FEW = 15  # options that need no groups
_NAMES_WIDTH = 22  # columns of the names, so that most of what is said fits beside them
_VALUES = {
    "path": "PATH",
    "list[path]": "PATH",
    "int": "N",
    "int range": "N",
    "float": "X",
    "str": "TEXT",
    "list[str]": "TEXT",
}
_DEFAULT = re.compile(r"\[default: (?:\((.*?)\)|(.*?))(?:; [^]]*)?\]$")
_SAYS_NOTHING = re.compile(r"  \[(?:0|0\.0|\d*<?=?x[<>]=\d+)\]$")  # nothing, or a range


class GroupedCommand(TyperCommand):
    """A command whose help shows its options by GROUPS, if they are many."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, the options that are for everybody, and the groups."""
        sections: dict[str, list[tuple[str, str]]] = {
            title: [] for title in ("Arguments", "Options", *GROUPS)
        }
        for title, row in self._rows(ctx):
            sections[title].append(row)
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows, col_max=_NAMES_WIDTH)

    def _rows(self, ctx: Any) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yield what is said of each parameter, and under which title."""
        shown = self.get_params(ctx)
        titles = _TITLES if len(shown) > _FEW else {}
        if titles:
            shown = sorted(shown, key=lambda one: _ORDER.get(one.name, -1))
        for parameter in shown:
            row = parameter.get_help_record(ctx)
            if row is not None:
                is_argument = parameter.param_type_name == "argument"
                title = "Arguments" if is_argument else titles.get(parameter.name, "Options")
                yield title, _short(*row)


def _short(names: str, said: str) -> tuple[str, str]:
    """Shorten what Typer says of a parameter: the kind of its value, its default, its range."""
    names = re.sub(r"<([^>]*)>", lambda kind: _VALUES.get(kind[1].lower(), kind[0]), names)
    said = _DEFAULT.sub(lambda default: f"[{default[1] or default[2]}]", said)
    return names, _SAYS_NOTHING.sub("", said).replace("  [", " [")
