"""The page as a file that says of itself that it is ours, so that it may be replaced."""

import hashlib
import re
from pathlib import Path

from boxmask.durable import replace_file
from boxmask.errors import ConfigError
from boxmask.ours import is_plain, is_there

_SEAL = re.compile(rb"<!-- boxmask eval ([0-9a-f]{64}) -->\n\Z")


def check_page(path: Path) -> None:
    """Raise ConfigError if a page cannot go here, or if something else is here already."""
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"{path.parent}: no such folder; --page goes there.")
    if not is_plain(path) or (is_there(path) and not _is_ours(path.read_bytes())):
        raise ConfigError(
            f"{path} is there already, and is not as boxmask eval has written it; give another "
            "--page."
        )


def write_page(path: Path, text: str) -> None:
    """Write a page, whole or not at all, with the digest of it in its last line."""
    content = text.encode(errors="backslashreplace")
    with replace_file(path) as file:
        file.write(content + b"<!-- boxmask eval %b -->\n" % _digest(content))


def _is_ours(content: bytes) -> bool:
    seal = _SEAL.search(content)
    return seal is not None and seal[1] == _digest(content[: seal.start()])


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
