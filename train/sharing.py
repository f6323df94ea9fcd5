"""What is made once on each machine, and shared by the processes of a run on it.

Its arrays lie in a file without a name that all of them map: they take memory once, and nothing is
left on the disk, whoever is killed.
"""

import mmap
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from boxmask.errors import RunError
from boxmask.train.distributed import Processes

T = TypeVar("T")

_PROCESSES = Path("/proc")  # where the open files of processes have names
_ALIGNED = 64  # bytes


def once_a_machine(make: Callable[[], T], processes: Processes) -> T:
    """Return what `make` makes in the first process of this machine.

    What it raises is raised in all processes of the run: none waits for another in vain.
    """
    if processes.count == 1 or not _PROCESSES.is_dir():
        return make()
    with tempfile.TemporaryFile() as file:
        offer = _offered(make, file) if processes.leads else None
        offers = processes.gather({processes.machine: offer} if offer is not None else {})
        found: dict[str, _Shared | Exception] = {}
        for one in offers:
            found |= one
        for failure in found.values():
            if isinstance(failure, Exception):
                raise failure
        shared = found[processes.machine]
        assert isinstance(shared, _Shared)
        value: T = shared.open()
        processes.wait()  # the file must be there until all have mapped it
    return value


class _Shared(NamedTuple):
    """Where a value lies: a file that a process has open, its pickle and its arrays in that."""

    process: int
    handle: int
    spans: tuple[tuple[int, int], ...]

    def open(self) -> Any:
        """Map the file and take the value from it; what is changed there is changed for oneself."""
        path = _PROCESSES / str(self.process) / "fd" / str(self.handle)
        with path.open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        pickled, *arrays = (data[start:end] for start, end in self.spans)
        return pickle.loads(pickled, buffers=arrays)


def _offered(make: Callable[[], Any], file: IO[bytes]) -> "_Shared | Exception":
    """Make a value and write it to a file; what goes wrong is for all to raise."""
    try:
        return _written(make(), file)
    except Exception as error:
        return _for_all(error)


def _written(value: Any, file: IO[bytes]) -> _Shared:
    arrays: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(value, protocol=5, buffer_callback=arrays.append)
    spans = []
    for part in (memoryview(pickled), *(array.raw() for array in arrays)):
        file.write(bytes(-file.tell() % _ALIGNED))
        start = file.tell()
        file.write(part)
        spans.append((start, start + part.nbytes))
    file.flush()
    return _Shared(os.getpid(), file.fileno(), tuple(spans))


def _for_all(error: Exception) -> Exception:
    """Return an error that can be sent to other processes."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RunError(f"reading the data has failed: {error!r}.")
    return error
