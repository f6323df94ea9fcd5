"""How many threads the network gets on a CPU: as many as there are idle cores for.

One thread more than that waits for its turn while all others wait for it: on a busy machine a
network with a thread a core is many times slower than one with a single thread.
"""

import math
import os
import time
from pathlib import Path
from typing import NamedTuple

_PROC_STAT, _CPU_MAX = Path("/proc/stat"), Path("/sys/fs/cgroup/cpu.max")
_LOOK = 0.2  # seconds
_PAST = 10.0  # seconds: what was before says nothing about now
_IDLE = (3, 4)  # columns of /proc/stat: idle, waiting for a disk


class _Look(NamedTuple):
    """How much time there was, up to a moment."""

    at: float  # seconds, of a clock that begins anywhere
    own: float  # seconds of a core that this process has used
    cores: dict[int, tuple[int, int]]  # busy and idle; empty where nobody tells


def core_count() -> int:
    """Return how many cores this process may use, as the system and its container have it."""
    return max(1, min(len(_usable_cores()), math.floor(_quota())))


def _usable_cores() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def network_threads(networks: int = 1) -> int:
    """Return how many threads to give each of some networks: OMP_NUM_THREADS, else idle cores.

    At least one, and together never more than a container may use, if there are so many.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    return max(1, min(round(_idle_cores()), core_count()) // networks)


def _quota() -> float:
    """Return for how many cores the cgroup of a container gives time; very many without one."""
    try:
        quota, period = _CPU_MAX.read_text(encoding="ascii").split()
        return int(quota) / int(period)  # the quota is "max" where there is none
    except (OSError, ValueError):
        return 1e9


def _idle_cores() -> float:
    """Return how many of the usable cores nobody else has used since the program began.

    Where that is long ago, or only just now, of a moment that begins now.
    """
    usable = _usable_cores()
    before = _first if time.monotonic() - _first.at < _PAST else _look()
    time.sleep(max(0.0, before.at + _LOOK - time.monotonic()))
    after = _look()
    known = before.cores.keys() & after.cores.keys() & usable
    if not known:
        return len(usable)
    own = (after.own - before.own) / max(after.at - before.at, 1e-9)
    return own + sum(_idle_share(before.cores[core], after.cores[core]) for core in known)


def _idle_share(before: tuple[int, int], after: tuple[int, int]) -> float:
    """Return for which part of the time between two looks a core was idle."""
    busy, idle = after[0] - before[0], after[1] - before[1]
    return idle / (busy + idle) if busy + idle > 0 else 1.0


def _look() -> _Look:
    return _Look(time.monotonic(), time.process_time(), _busy_and_idle())


def _busy_and_idle() -> dict[int, tuple[int, int]]:
    """Return how long each core was busy and idle since the start; empty where nobody tells."""
    try:
        lines = _PROC_STAT.read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        name, *columns = line.split()
        if name.startswith("cpu") and name[3:].isdecimal():
            ticks = [int(column) for column in columns[:8]]  # what follows is in these already
            idle = sum(ticks[k] for k in _IDLE)
            found[int(name[3:])] = (sum(ticks) - idle, idle)
    return found


_first = _look()  # when this is imported: the command line does that first
