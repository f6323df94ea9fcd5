"""A target of the fuzzer: a file to damage, what lies beside it, and what reads it."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from boxmask.errors import BoxmaskError
from fuzzing.damage import Damage, damage


@dataclass(frozen=True)
class Target:
    """What `use` does with the file of this name; it may raise errors of ours, and no others."""

    name: str
    use: Callable[[Path], None]
    seeds: Sequence[bytes]
    damage: Damage = damage
    beside: Mapping[str, bytes] = field(default_factory=dict)
    tests: int = 25  # how many the tests try

    def attempt(self, data: bytes, folder: Path) -> str:
        """Try a file; return "read", or "refused" if an error of ours says why."""
        for name, content in {**self.beside, self.name: data}.items():
            path = folder / name
            if name == self.name or not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                self.use(folder / self.name)
            except BoxmaskError as error:
                assert str(error)
                return "refused"
        return "read"
