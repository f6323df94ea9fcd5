"""Memory of short runs: threads share what is free, where the C library is glibc."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import ctypes, sys, threading
from boxmask.arenas import share_arenas

if sys.argv[1] == "shared":
    share_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(8)

def take():
    together.wait(60)
    for _ in range(2000):
        libc.malloc(5000)
    together.wait(60)

threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
assert libc.malloc_info(0, file) == 0
libc.fclose(file)
"""


def arenas(how: str, told: Path) -> int:
    """Count the pieces that eight threads of a process take memory from."""
    environment = {name: value for name, value in os.environ.items() if "MALLOC" not in name}
    subprocess.run([sys.executable, "-c", PROBE, how, told], check=True, env=environment)
    return told.read_text().count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc's memory")
def test_threads_share_a_few_arenas(tmp_path: Path) -> None:
    few = max(1, len(os.sched_getaffinity(0)) // 4)
    assert arenas("shared", tmp_path / "shared.xml") <= few
    assert arenas("not shared", tmp_path / "own.xml") > few
