"""Feed all that reads a user's files with damaged ones, and tell what breaks it.

    python examples/fuzz.py --minutes 10 --seed 1 --keep broken
    python examples/fuzz.py --minutes 30 --guided --ledger docs/promises.json    # needs atheris

The targets are the readers of all formats, run lengths, predictions, verdicts, files that masks are
put back into, weights, graphs and published checkpoints. A file may be read, or refused with an
error of ours; anything else is a finding, also ten seconds or a gigabyte for one of these small
files, and the file is kept. `--guided` prefers the files that reach code not reached before.
`tests/test_fuzz.py` tries some each time.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from tried import Tally

CPU_SECONDS, SECONDS = 10, 120  # for one file
BYTES = 1 << 30  # of memory, beyond what the libraries take
# Guided: so often damage begins anew where a file was refused; most of those are refused again.
FROM_SEEDS = 0.75


class _TooSlow(Exception):
    """A file that takes too long."""


def _stop(signal: int, frame: FrameType | None) -> None:
    raise _TooSlow(f"more than {CPU_SECONDS} seconds of a core, or {SECONDS} in all")


def _allow(cpu: float, wall: float) -> None:
    """Allow the next seconds of a core and in all; zeros for any."""
    signal.setitimer(signal.ITIMER_PROF, cpu)
    signal.setitimer(signal.ITIMER_REAL, wall)


@contextmanager
def _limited() -> Iterator[None]:
    """Limit the memory of this process while files are tried."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size + BYTES, before[1]))
    for one in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(one, _stop)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


class Tries:
    """Tries files, counts how they end, and keeps those that break something."""

    def __init__(self, place: Path, keep: Path, tally: Tally) -> None:
        from fuzzing.targets import TARGETS

        self.targets, self.place, self.keep, self.tally = TARGETS, place, keep, tally
        self.found = Counter[str]()

    def attempt(self, name: str, data: bytes) -> bool:
        """Try a file; tell whether it was read."""
        _allow(CPU_SECONDS, SECONDS)
        try:
            ended = self.targets[name].attempt(data, self.place / name)
            self.found[f"{name} {ended}"] += 1
            return ended == "read"
        except Exception:
            _allow(0, 0)
            self.found[f"{name} BROKEN"] += 1
            self.keep.mkdir(exist_ok=True)
            path = self.keep / f"{name}-{self.found.total()}.bin"
            path.write_bytes(data)
            print(f"{path}: {traceback.format_exc(limit=-3)}", file=sys.stderr)
            return False
        finally:
            _allow(0, 0)

    def report(self) -> None:
        """Say how the files ended, and count them."""
        for what, count in sorted(self.found.items()):
            print(f"{what}: {count}")
        print(f"{self.found.total():,} files tried, {self.broken:,} findings")
        self.tally.add(files=self.found.total(), findings=self.broken)

    @property
    def broken(self) -> int:
        """How many files broke something."""
        return sum(count for what, count in self.found.items() if "BROKEN" in what)


def at_random(tries: Tries, names: list[str], *, seed: int, seconds: float) -> None:
    """Damage seeds at random."""
    chance, end = random.Random(seed), time.monotonic() + seconds
    while time.monotonic() < end:
        name = chance.choice(names)
        target = tries.targets[name]
        tries.attempt(name, target.damage(chance.choice(target.seeds), chance))


def guided(tries: Tries, name: str, *, seed: int, seconds: float) -> None:
    """Have libFuzzer choose what to damage further, by the code that a file reaches."""
    import atheris

    target = tries.targets[name]
    corpus = tries.place / "corpus"
    corpus.mkdir()
    for number, data in enumerate(target.seeds):
        (corpus / str(number)).write_bytes(data)

    sound: set[int] = set()  # the hashes of what was read

    def mutate(data: bytes, size: int, draw: int) -> bytes:
        chance = random.Random(draw)
        if hash(data) not in sound and chance.random() < FROM_SEEDS:
            data = chance.choice(target.seeds)
        try:
            changed = target.damage(data, chance)
        except (ValueError, LookupError, TypeError, AttributeError):  # damaged beyond its form
            changed = atheris.Mutate(data, size)
        return bytes(changed[:size])

    def attempt(data: bytes) -> None:
        if tries.attempt(name, data):
            sound.add(hash(data))
        if time.monotonic() > end:
            tries.report()
            sys.stdout.flush()
            shutil.rmtree(tries.place)
            os._exit(tries.broken > 0)  # libFuzzer would not return

    end = time.monotonic() + seconds
    longest = max(map(len, target.seeds)) * 4 + 8192
    options = [f"-seed={seed}", f"-max_len={longest}", "-verbosity=0", "-rss_limit_mb=0"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], attempt, custom_mutator=mutate)
    atheris.Fuzz()


def guided_one_by_one(names: list[str], options: argparse.Namespace) -> bool:
    """Try targets by turns, each in a process of its own; tell whether nothing broke."""
    given = ["--guided", "--seed", options.seed, "--keep", options.keep]
    given += ["--ledger", options.ledger] if options.ledger else []
    given += ["--minutes", options.minutes / len(names)]
    commands = [[sys.executable, __file__, *map(str, given), "--only", name] for name in names]
    ends = [subprocess.run(command).returncode for command in commands]
    return not any(ends)


def main() -> None:
    """Fuzz until the time is over."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="a target")
    parser.add_argument("--guided", action="store_true", help="by what is reached: needs atheris")
    parser.add_argument("--keep", type=Path, default=Path("findings"), help="for what is broken")
    parser.add_argument("--ledger", type=Path, help="a file in which to count on")
    options = parser.parse_args()
    if options.guided and find_spec("atheris") is None:
        parser.error("--guided needs atheris: pip install atheris")
    if options.guided and options.only:
        import atheris

        with atheris.instrument_imports(include=["boxmask"]):
            import fuzzing.targets  # noqa: F401 (imported again below, instrumented)
    from fuzzing.targets import TARGETS

    if options.only not in (None, *TARGETS):
        parser.error(f"--only: one of {', '.join(TARGETS)}")
    if options.guided and not options.only:
        sys.exit(not guided_one_by_one(list(TARGETS), options))
    names = [options.only] if options.only else list(TARGETS)
    tally = Tally("fuzz.py --guided" if options.guided else "fuzz.py", options.ledger)
    with tempfile.TemporaryDirectory() as place, _limited():
        tries, limits = Tries(Path(place), options.keep, tally), {"seed": options.seed}
        if options.guided:
            guided(tries, options.only, seconds=60 * options.minutes, **limits)
        at_random(tries, names, seconds=60 * options.minutes, **limits)
        tries.report()
    sys.exit(tries.broken > 0)


if __name__ == "__main__":
    main()
