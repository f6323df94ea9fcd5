"""A worker: a process that makes parts for the run that started it, and ends when that does.

It gets a Setup, whose device is its own, then tasks. It says None when it wants its first task,
numbers of boxes while it works, then a part, or the error that ends the run.
"""

import os
import pickle
import queue
import threading
import traceback
from multiprocessing.connection import Connection

from boxmask.annotate.engines.base import Setup
from boxmask.annotate.task import Task
from boxmask.arenas import share_arenas
from boxmask.errors import RunError

RECEIVER = "boxmask-tasks"  # the name of the thread that receives
LOOK = 1.0  # seconds after which it looks whether the run is still there


def main(handle: int) -> None:
    """Work for the other end of a socket, given by its number, until it is closed."""
    share_arenas()
    pipe: Connection = Connection(handle)
    try:
        _work(pipe)
    except Exception as error:
        error.add_note(f"in a worker:\n{traceback.format_exc()}")
        pipe.send_bytes(_pickled(error))


def _work(pipe: Connection) -> None:
    setup = pipe.recv()
    assert isinstance(setup, Setup)
    tasks: queue.SimpleQueue[Task | Exception] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, tasks), name=RECEIVER, daemon=True).start()
    from boxmask.annotate.shards import run_shard

    network = setup.inputs().network
    pipe.send(None)
    while True:
        task = tasks.get()
        if isinstance(task, Exception):
            raise task
        pipe.send(run_shard(task.workload, task.shard, network, pipe.send))


def _receive(pipe: Connection, tasks: "queue.SimpleQueue[Task | Exception]") -> None:
    """Take tasks; end the process at once when the run is over, or has been killed.

    The pipe tells, but for one whose other end was inherited by a process that the run's program
    has forked: then that the parent is another one.
    """
    run = os.getppid()
    try:
        while os.getppid() == run:
            if pipe.poll(LOOK):
                tasks.put(pipe.recv())
        os._exit(0)
    except (EOFError, OSError):
        os._exit(0)
    except Exception as error:  # a task cannot be made from its bytes, say for want of memory
        tasks.put(error)


def _pickled(error: Exception) -> bytes:
    try:
        pickled = pickle.dumps(error)
        pickle.loads(pickled)
    except Exception:  # of a library, with arguments that cannot be sent
        return pickle.dumps(RunError(f"a worker has failed: {error!r}."))
    return pickled
