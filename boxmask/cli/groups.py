"""The options of a command's help in groups: forty in one list are read by nobody."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from typer.core import TyperCommand

from boxmask.export import EXPORTS, ExportOptions

GROUPS: dict[str, tuple[str, ...]] = {
    "How the boxes are read": (
        *("format", "bbox", "images_json", "metadata", "min_conf", "vg_categories", "vg_alias"),
        *("classes", "follow_links"),
    ),
    "A part of them": ("limit", "category", "image", "id"),
    "The masks": (
        *("flip", "tightness", "neighbours", "overwrite", "rectangles", "polygons", "tolerance"),
        *("max_vertices", "tighten"),
    ),
    "More outputs": (*EXPORTS, *(field.name for field in fields(ExportOptions))),
    "The images": ("exif", "max_pixels"),
    "The machine": (
        *("device", "precision", "runtime", "workers", "engine", "ray_address", "threads"),
        *("decoders", "batch_images", "batch_boxes", "shard_boxes"),
    ),
}
"""Parameters by the title that they stand under, in any command; all others are "Options"."""

_GROUP = {name: title for title, names in GROUPS.items() for name in names}
_FEW = 15  # options that need no groups


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
                    formatter.write_dl(rows)

    def _rows(self, ctx: Any) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yield what is said of each parameter, and under which title."""
        shown = [(one, one.get_help_record(ctx)) for one in self.get_params(ctx)]
        many = len(shown) > _FEW
        for parameter, row in shown:
            if row is not None and parameter.param_type_name == "argument":
                yield "Arguments", row
            elif row is not None:
                yield _GROUP.get(parameter.name, "Options") if many else "Options", row
