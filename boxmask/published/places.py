"""Where a checkpoint is: the prefix of one, a folder with one, or an archive as published.

The authors' archives hold a checkpoint, the same numbers once more as a SavedModel, and settings
that say how large the images are.
"""

import lzma
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from boxmask.errors import WeightsError

_INDEX = ".index"
_SETTINGS = ("pipeline.config", "params.yaml")
_IMAGE_SIZE = (
    re.compile(r"keep_aspect_ratio_resizer\s*\{[^}]*\bmax_dimension:\s*(\d{1,9})\b"),
    re.compile(r"\binput_size:\s*(?:\[|-)\s*(\d{1,9})\b"),
)
_MOST_SETTINGS = 1 << 20  # bytes


@contextmanager
def checkpoint_at(source: Path, *, room: Path) -> Iterator[tuple[Path, int | None]]:
    """Give the prefix of the checkpoint at a path, and the image size that its settings name.

    An archive is unpacked below `room`, as far as it is needed and for as long as this lasts.
    """
    if source.is_dir():
        yield _prefix_in(source, source), _image_size(_settings_in(source))
    elif source.is_file() and source.suffix != _INDEX:
        with TemporaryDirectory(prefix=".boxmask-import-", dir=room) as folder:
            _unpack(source, Path(folder))
            yield _prefix_in(Path(folder), source), _image_size(_settings_in(Path(folder)))
    else:
        prefix = source.with_suffix("") if source.suffix == _INDEX else source
        if not prefix.with_name(prefix.name + _INDEX).is_file():
            raise WeightsError(f"{source}: no checkpoint, no folder and no archive is there.")
        yield prefix, _image_size(_settings_in(prefix.parent))


def _prefix_in(folder: Path, source: Path) -> Path:
    """Return the one checkpoint in a folder; a SavedModel is one only where there is no other."""
    found = sorted(path.with_suffix("") for path in folder.rglob(f"*{_INDEX}"))
    plain = [path for path in found if path.parts[-2:] != ("variables", "variables")]
    found = plain or found
    if len(found) == 1:
        return found[0]
    if not found:
        raise WeightsError(
            f"{source}: no checkpoint of TensorFlow 2 inside, which is a file *.index with its "
            "*.data beside it; give the archive as published, or what it unpacks to."
        )
    names = ", ".join(str(path.relative_to(folder)) for path in found[:5])
    raise WeightsError(f"{source}: {len(found)} checkpoints inside, {names}; give one of them.")


def _settings_in(folder: Path) -> str:
    """Return the settings beside a checkpoint or one folder up, "" if there are none."""
    found = [path for name in _SETTINGS for path in sorted(folder.rglob(name))]
    found += [path for name in _SETTINGS if (path := folder.parent / name).is_file()]
    if not found:
        return ""
    with found[0].open("rb") as stream:
        return stream.read(_MOST_SETTINGS).decode(errors="replace")


def _image_size(settings: str) -> int | None:
    """Return the size of images that settings name, None if they name none."""
    matches = (pattern.search(settings) for pattern in _IMAGE_SIZE)
    return next((int(match[1]) for match in matches if match), None)


def _unpack(source: Path, folder: Path) -> None:
    """Unpack what is needed of an archive, each file by its own path below the folder."""
    try:
        with tarfile.open(source) as archive:
            for member in _needed(archive):
                path = folder.joinpath(*_safe_parts(source, member.name))
                path.parent.mkdir(parents=True, exist_ok=True)
                stream = archive.extractfile(member)
                assert stream is not None
                with path.open("wb") as out:
                    shutil.copyfileobj(stream, out, 1 << 20)
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk, not of the archive
        raise WeightsError(
            f"{source}: no archive that can be unpacked ({error}); fetch it again, "
            "or give the folder that it unpacks to."
        ) from error


def _needed(archive: tarfile.TarFile) -> Iterable[tarfile.TarInfo]:
    """Yield settings and files of checkpoints, those of a SavedModel only where no others are."""
    files = [member for member in archive.getmembers() if member.isfile()]
    tensors = [one for one in files if re.search(r"\.(index|data-\d+-of-\d+)$", one.name)]
    plain = [one for one in tensors if PurePosixPath(one.name).parts[-2:-1] != ("variables",)]
    yield from plain or tensors
    yield from (one for one in files if PurePosixPath(one.name).name in _SETTINGS)


def _safe_parts(source: Path, name: str) -> tuple[str, ...]:
    parts = PurePosixPath(name).parts
    if ".." in parts or name.startswith("/"):
        raise WeightsError(f"{source}: it has a file {name}, outside of itself; do not trust it.")
    return parts
