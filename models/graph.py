"""Graphs: what a network computes, without its numbers, in the form that OpenVINO reads.

A graph is of one config and one form of the views. Those of the bundled network come with boxmask;
others are made by export.py when they are first needed and stay in the user's cache folder. The
numbers come from the weights file, by recipes, so that every network of one config has the same
graph.
"""

import hashlib
import os
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import msgspec

from boxmask.durable import replace_file
from boxmask.models.config import ModelConfig
from boxmask.models.recipes import Recipe
from boxmask.unreadable import UNREADABLE
from boxmask.version import __version__

SHIPPED = Path(__file__).parent / "graphs"
PAIR = 2  # views that long runs have computed at once
INPUTS = ("pixels", "boxes", "hints")  # of a graph; what else it is given is made by recipes
_FORMAT = 4  # a graph of another form has another name
# What a config says that its graph does not depend on.
_BESIDE = (
    *("context", "image_size", "pad_square", "large_view_size", "norm_momentum"),
    # Of detectors, which no network with a graph has.
    *("anchor_cells", "box_samples", "center_layers", "center_square", "fcos_stride", "transfer"),
)
_XML, _CONSTANTS, _SHAPES = "graph.xml", "graph.bin", "tensors.json"
# What a file that is damaged may raise; another in its place is made.
_UNUSABLE = (
    OSError,
    EOFError,
    LookupError,
    ValueError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)
_DATED = (1980, 1, 1, 0, 0, 0)  # the same graph is the same file


class Tensors(msgspec.Struct):
    """The shapes of a network's tensors by their names in the weights file, and what to make."""

    floating: dict[str, tuple[int, ...]]  # what recipes are of
    whole: dict[str, tuple[int, ...]]  # counts, which nothing is computed with
    recipes: dict[str, Recipe]  # of what a graph is given beside its inputs, by its name there


class Form(NamedTuple):
    """What a graph looks at at once: views of one side, as many."""

    side: int
    views: int = 1


class Graph(NamedTuple):
    """A graph of views of one form, and the tensors that its network has."""

    xml: bytes
    constants: bytes  # those of the graph itself, such as shapes
    tensors: Tensors


def view_sides(config: ModelConfig) -> tuple[int, ...]:
    """Return the sides of the views that a network is shown."""
    return tuple(side for side in (config.view_size, config.large_view_size) if side)


def forms(config: ModelConfig) -> tuple[Form, ...]:
    """Return the forms that a network has graphs of: a view, and a pair of them, of each side."""
    return tuple(Form(side, views) for views in (1, PAIR) for side in view_sides(config))


def graph_name(config: ModelConfig, form: Form) -> str:
    """Name the file of a graph."""
    parts = {name: value for name, value in asdict(config).items() if name not in _BESIDE}
    text = msgspec.json.encode([_FORMAT, form, parts], order="sorted")
    return f"{hashlib.sha256(text).hexdigest()[:16]}-{form.side}x{form.views}.zip"


def cache_folder() -> Path:
    """Return the folder of the user in which graphs are kept.

    Each version has its own: its networks may compute something else by the same config.
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME", "") or Path.home() / ".cache"
    return Path(base) / "boxmask" / f"graphs-{__version__}"


def find_graph(config: ModelConfig, form: Form) -> Graph | None:
    """Read a graph; None if there is none yet, or none that can be read."""
    for path in _places(graph_name(config, form)):
        try:
            with zipfile.ZipFile(path) as file:
                tensors = msgspec.json.decode(file.read(_SHAPES), type=Tensors)
                return Graph(file.read(_XML), file.read(_CONSTANTS), tensors)
        except (*_UNUSABLE, *UNREADABLE):
            continue
    return None


def has_graphs(config: ModelConfig) -> bool:
    """Tell whether there is a graph for every form of a network's views."""
    return all(
        any(zipfile.is_zipfile(path) for path in _places(graph_name(config, form)))
        for form in forms(config)
    )


def keep_graph(graph: Graph, path: Path) -> None:
    """Write a graph."""
    path.parent.mkdir(parents=True, exist_ok=True)
    members = {_XML: graph.xml, _CONSTANTS: graph.constants}
    members[_SHAPES] = msgspec.json.encode(graph.tensors)
    with replace_file(path) as stream, zipfile.ZipFile(stream, "w") as file:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, _DATED)
            file.writestr(member, content, zipfile.ZIP_DEFLATED, compresslevel=9)


def _places(name: str) -> Iterator[Path]:
    yield SHIPPED / name
    yield cache_folder() / name
