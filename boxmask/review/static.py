"""The worst masks as a page that opens from disk: no server, no script, no request elsewhere."""

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from boxmask.errors import ConfigError, InputError
from boxmask.export.files import write_whole
from boxmask.faults import ImageFault
from boxmask.formats import BoxForm
from boxmask.ours import Ledger
from boxmask.review.describe import Json, describe
from boxmask.review.pictures import Pictures
from boxmask.review.reading import open_instances
from boxmask.version import __version__

_SIDE = 480  # of a crop, pixels
_LEDGER = ".boxmask-review.jsonl"

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'self' file: 'unsafe-inline'">
<title>{title}</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
<header>
<h1>{file}</h1>
<p>{told}</p>
<fieldset aria-label="What is drawn">
<label><input type="checkbox" id="fill" checked>Fill</label>
<label><input type="checkbox" id="outline" checked>Outline</label>
<label><input type="checkbox" id="boxes" checked>Boxes</label>
</fieldset>
</header>
<main>
{tiles}
</main>
<footer>boxmask {version}. Solid: the mask. Dashed: its box.</footer>
</body>
</html>
"""


@dataclass(frozen=True)
class StaticPage:
    """What was written."""

    page: Path
    shown: int
    masks: int  # with an expected IoU in the file
    unreadable: int  # images that could not be opened


def write_static(
    file: Path,
    images: Path,
    folder: Path,
    *,
    worst: int = 100,
    bbox: BoxForm = "auto",
    fresh: bool = False,
) -> StaticPage:
    """Write the masks of the lowest expected IoU as a page with their crops into a folder.

    Files that were written here before give way or are removed; others are never touched.
    """
    instances = open_instances(file, images, bbox=bbox)
    known = np.flatnonzero(~np.isnan(instances.iou))
    if not len(known):
        raise InputError(
            f"{file}: no annotation has a predicted_iou, so none is the worst; give a file that "
            "boxmask annotate wrote."
        )
    rows = known[np.argsort(instances.iou[known], kind="stable")][:worst].tolist()
    ledger = _open_folder(folder, fresh=fresh)
    names = [f"crops/{rank:05}.jpg" for rank in range(1, len(rows) + 1)]
    for name in ("index.html", "style.css", *names):
        ledger.claim(folder / name, fresh=fresh)
    shown = [describe(instances, row, None) for row in rows]
    crops = _write_crops(Pictures(instances), shown, names, ledger, folder)
    write_whole(ledger, folder / "style.css", _style())
    told = f"the {len(rows):,} of the lowest expected IoU among {len(known):,} masks"
    tiles = (
        _tile(instance, rank, crop)
        for rank, (instance, crop) in enumerate(zip(shown, crops, strict=True), start=1)
    )
    page = _page(file.name, told, tiles)
    write_whole(ledger, folder / "index.html", page.encode("utf-8", "backslashreplace"))
    _remove_others(ledger, folder, {name for name in crops if name})
    return StaticPage(folder / "index.html", len(rows), len(known), crops.count(""))


def _open_folder(folder: Path, *, fresh: bool) -> Ledger:
    ledger = folder / _LEDGER
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; name a folder for the page.")
    if folder.is_dir() and any(folder.iterdir()) and not ledger.exists() and not fresh:
        raise ConfigError(
            f"{folder} holds files that are not a page of ours; name another folder, or --fresh to "
            "write the page among them."
        )
    folder.mkdir(parents=True, exist_ok=True)
    return Ledger(ledger)


def _style() -> bytes:
    """Return the look of the page that is served, and what differs from it."""
    here = files("boxmask.review")
    parts = here.joinpath("page", "look.css"), here.joinpath("static.css")
    return b"\n".join(part.read_bytes() for part in parts)


def _write_crops(
    pictures: Pictures, shown: Sequence[Json], names: Sequence[str], ledger: Ledger, folder: Path
) -> list[str]:
    """Write the crop of each instance; return their names, "" where the image cannot be opened."""
    written = []
    for instance, name in zip(shown, names, strict=True):
        try:
            if instance["image"] < 0:
                raise InputError("no image record")
            crop = pictures.crop(instance["image"], instance["window"], _SIDE)
        except (ImageFault, InputError):
            written.append("")
            continue
        write_whole(ledger, folder / name, crop)
        written.append(name)
    return written


def _remove_others(ledger: Ledger, folder: Path, kept: set[str]) -> None:
    """Remove the crops of an earlier page that this one does not have."""
    for path in sorted((folder / "crops").glob("*.jpg")):
        if f"crops/{path.name}" not in kept:
            ledger.remove(path)


def _page(name: str, told: str, tiles: Iterator[str]) -> str:
    return _PAGE.format(
        title=html.escape(f"{name}: the worst masks"),
        file=html.escape(name),
        told=html.escape(told),
        tiles="\n".join(tiles),
        version=__version__,
    )


def _tile(instance: Json, rank: int, crop: str) -> str:
    iou = math.floor(100 * instance["iou"] + 1e-9) / 100  # never rounded up to 1.00
    name = html.escape(instance["category"] or "no class")
    of = html.escape(instance["file_name"])
    picture = f'<img src="{crop}" alt="" loading="lazy">{_drawing(instance)}'
    if not crop:
        picture = f'<p class="why">{of or "its image"} cannot be read</p>'
    label = f"{rank}: {name}, expected IoU {iou:.2f}"
    return (
        f'<figure class="tile"><div class="picture" role="img" aria-label="{label}">{picture}</div>'
        f'<figcaption><span class="class-name">{name}</span><span class="iou">{iou:.2f}</span>'
        f'<span class="meter" aria-hidden="true"><i style="width:{100 * iou:.0f}%"></i></span>'
        f'<span class="file">{of} · {html.escape(str(instance["id"]))}</span>'
        "</figcaption></figure>"
    )


def _drawing(instance: Json) -> str:
    """Draw the mask and the box over the crop, in pixels of the image."""
    view = " ".join(map(str, instance["window"]))
    drawn = ""
    if instance["rings"]:
        path = f'd="{"".join(_ring(ring) for ring in instance["rings"])}"'
        drawn += _twice("mask", f'path fill-rule="evenodd" {path}')
    if instance["corners"]:
        points = " ".join(f"{side:g}" for side in instance["corners"])
        drawn += _twice("box", f'polygon points="{points}"')
    elif instance["box"]:
        x, y, w, h = instance["box"]
        drawn += _twice("box", f'rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}"')
    return f'<svg viewBox="{view}" aria-hidden="true">{drawn}</svg>'


def _twice(name: str, shape: str) -> str:
    """Draw a shape with a dark rim under a bright line."""
    both = "".join(f'<{shape} class="{name}-{part}"/>' for part in ("under", "line"))
    return f'<g class="{name}">{both}</g>'


def _ring(ring: Sequence[int]) -> str:
    pairs = " ".join(f"{x} {y}" for x, y in zip(ring[::2], ring[1::2], strict=True))
    return f"M{pairs}z"
