"""Imports point one way only: this table is the architecture."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

IMPORTS = {
    "__init__": "errors front predict predicted version",
    "__main__": "cli",
    "errors": "",
    "version": "",
    "window": "",
    "durable": "",
    "bundled": "",
    "cores": "",
    "arenas": "cores",
    "subset": "dataset errors faults",
    "mark": "unreadable",
    "unreadable": "",
    "ordered": "",
    "proposed": "",
    "ours": "durable errors",
    "disk": "errors",
    "remote": "errors",
    "store": "errors remote",
    "dataset": "",
    "turned": "window",
    "faults": "errors turned",
    "formats": "",
    "rle": "errors window",
    "polygons": "window",
    "outlines": "polygons rle window",
    "geometry": "rle window",
    "paste_turned": "geometry rle turned",
    "data": "dataset errors faults formats mark rle splits turned unreadable window",
    "images": "faults remote",
    "image_folder": "data dataset errors formats images",
    "splits": "dataset errors",
    "overlay": "window",
    "show": (
        "data dataset durable errors faults formats images overlay remote rle unreadable window"
    ),
    "models": "durable errors turned unreadable version",
    "export": (
        "data dataset durable errors faults images mark ours outlines polygons remote rle version "
        "window"
    ),
    "check": "data dataset errors faults mark proposed rle subset turned unreadable",
    "annotate": (
        "arenas bundled cores data dataset disk durable errors export faults formats geometry "
        "images mark models ordered ours outlines paste_turned remote rle subset turned unreadable "
        "store version window"
    ),
    "detect": (
        "annotate cores data dataset disk durable errors export faults formats images models "
        "ordered ours proposed remote store unreadable version"
    ),
    "evaluate": (
        "annotate cores data dataset detect durable errors faults formats images mark ordered ours "
        "rle splits unreadable window"
    ),
    "train": (
        "cores data dataset disk durable errors evaluate formats geometry images models "
        "ours overlay rle splits turned unreadable version window"
    ),
    "published": "errors models splits version",
    "review": (
        "annotate bundled data dataset durable errors export faults formats geometry images mark "
        "models ours overlay polygons rle unreadable version window"
    ),
    "predicted": "annotate errors",
    "predict": "annotate bundled errors images models predicted turned",
    "options": "annotate export formats images",
    "front": (
        "annotate bundled check data dataset detect errors evaluate export formats image_folder "
        "options remote store subset train"
    ),
    "cli": (
        "annotate arenas bundled check cores data detect errors evaluate export formats "
        "image_folder mark models published remote review show store subset train version"
    ),
}
TABLE = {part: set(names.split()) for part, names in IMPORTS.items()}


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
    return head if head in TABLE else "__init__"


@pytest.mark.parametrize("part", sorted({part for part, _ in source_files()} | TABLE.keys()))
def test_a_part_imports_what_the_table_says_and_nothing_else(part: str) -> None:
    paths = [path for other, path in source_files() if other == part]
    assert part in TABLE, f"{paths} belong to no part of the table"
    by = {target(name): path for path in paths for name in imported(path)}
    reached = by.keys() - {None, part}
    new, unused = {one: by[one] for one in reached - TABLE[part]}, TABLE[part] - reached
    assert not new, f"{part} reaches {new}: who may is the architecture"
    assert not unused, f"{part} no longer needs {unused}: strike it out of the table"


def test_the_table_has_no_cycles() -> None:
    left = dict(TABLE)
    while left:
        free = [part for part, needs in left.items() if not needs & left.keys()]
        assert free, f"cycle among {sorted(left)}"
        for part in free:
            del left[part]
