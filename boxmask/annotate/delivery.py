"""An output by URL: made in a folder of this machine, put into the store when it is finished."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boxmask.errors import ConfigError
from boxmask.export import EXPORTS, flag
from boxmask.remote import Folder, Url


@dataclass(frozen=True)
class Delivery:
    """Where in a store the output of a run goes, and its exports by name."""

    out: Url
    exports: Mapping[str, Url]

    @property
    def log(self) -> Url:
        """Where the log of skipped annotations goes."""
        return Url(f"{self.out}.skipped.jsonl")


def places_of(
    out: Folder, exports: Mapping[str, Folder], state: Path | None = None, *, boxes: Folder
) -> dict[str, Any]:
    """Return what a job is told of places: fields of AnnotateJob.

    What has a URL is made in the folder `state`, by default one named after the URL of the output,
    in the current folder.
    """
    far = {name: place for name, place in exports.items() if isinstance(place, Url)}
    near = {name: place for name, place in exports.items() if isinstance(place, Path)}
    if isinstance(out, Path):
        _refuse_alone(far, state)
        return {"out": out, "exports": near}
    if boxes in (out, *far.values()):
        raise ConfigError(f"{boxes}: --out or an export would write over the boxes.")
    folder = state or Path(f"{out.name}.{hashlib.sha256(out.text.encode()).hexdigest()[:8]}.state")
    made = {name: folder / _name(name, place) for name, place in far.items()}
    return {
        "out": folder / out.name,
        "exports": {name: near.get(name) or made[name] for name in exports},
        "delivery": Delivery(out, far),
    }


def _refuse_alone(far: Mapping[str, Url], state: Path | None) -> None:
    """Raise ConfigError for what goes with an output by URL alone."""
    for name, url in far.items():
        raise ConfigError(f"{flag(name)} {url}: an export goes to a URL where --out does.")
    if state is not None:
        raise ConfigError(f"--state {state}: is for an --out that is a URL; leave it out.")


def _name(export: str, place: Url) -> str:
    """Name the place in the state folder: a file keeps its ending, by which it is compressed."""
    return export if EXPORTS[export].is_folder else f"{export}.{place.name}"
