"""A worker that closes its pipe and lives on."""

import os
import time


def main(handle: int) -> None:
    """Say nothing, and do nothing for long."""
    os.close(handle)
    time.sleep(60)
