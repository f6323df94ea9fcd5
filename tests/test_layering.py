"""Imports point one way only: this table is the architecture."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LEAVES = {
    "errors",
    "version",
    "window",
    "dataset",
    "faults",
    "formats",
    "mark",
    "ordered",
    "durable",
    "bundled",
    "cores",
    "subset",
}
MASKS = LEAVES | {"rle", "polygons", "geometry"}
INPUT = MASKS | {"data", "images", "splits"}
ALLOWED: dict[str, set[str]] = {
    "__init__": {"version", "errors", "front", "predict", "predicted"},
    "__main__": {"cli"},
    "errors": set(),
    "version": set(),
    "window": set(),
    "durable": set(),
    "bundled": set(),
    "cores": set(),
    "subset": {"dataset", "errors", "faults"},
    "mark": set(),
    "ordered": set(),
    "dataset": {"errors"},
    "faults": {"errors"},
    "formats": set(),
    "rle": {"errors", "window"},
    "polygons": {"errors", "window", "rle"},
    "geometry": {"errors", "window", "rle"},
    "data": {"errors", "dataset", "faults", "formats", "splits", "rle", "window"},
    "images": {"errors", "faults"},
    "splits": {"errors", "dataset"},
    "overlay": LEAVES | {"rle"},
    "show": INPUT | {"overlay"},
    "models": {"errors", "geometry", "durable"},
    "export": INPUT,
    "check": INPUT,
    "annotate": INPUT | {"export", "models"},
    "evaluate": INPUT | {"annotate", "models"},
    "train": INPUT | {"models", "evaluate", "overlay"},
    "predicted": {"annotate", "errors"},
    "predict": INPUT | {"annotate", "models", "predicted"},
    "options": {"annotate", "formats", "images"},
    "front": INPUT | {"options", "export", "annotate", "check", "evaluate", "train"},
    "cli": INPUT | {"annotate", "check", "evaluate", "export", "models", "show", "train"},
}


def source_files() -> list[tuple[str, Path]]:
    """List (part, file) for every module that is installed."""
    listed = []
    for folder in ("boxmask", "models", "train"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            below = path.relative_to(ROOT / folder)
            if below.parts[0] in ("models", "train"):
                continue  # the committed links of a bare checkout
            part = folder if folder != "boxmask" else below.parts[0].removesuffix(".py")
            listed.append((part, path))
    return listed


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted name of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def target(name: str) -> str | None:
    """Name the part of boxmask that an import reaches, None for another library."""
    root, _, rest = name.partition(".")
    assert root not in ("models", "train"), f"write boxmask.{name}"
    if root != "boxmask":
        return None
    head = rest.partition(".")[0]
    return head if head in ALLOWED else "__init__"


@pytest.mark.parametrize(
    ("part", "path"), source_files(), ids=lambda v: v.name if isinstance(v, Path) else v
)
def test_a_part_imports_only_what_the_table_allows(part: str, path: Path) -> None:
    assert part in ALLOWED, f"{path} belongs to no part of the table"
    reached = {target(name) for name in imported(path)} - {None, part}
    assert reached <= ALLOWED[part], f"{path} reaches {reached - ALLOWED[part]}"


def test_the_table_has_no_cycles() -> None:
    left = dict(ALLOWED)
    while left:
        free = [part for part, needs in left.items() if not needs & left.keys()]
        assert free, f"cycle among {sorted(left)}"
        for part in free:
            del left[part]
