"""Settings for all tests."""

import os

# Small networks run fastest on one thread, and a child process inherits this.
os.environ.setdefault("OMP_NUM_THREADS", "1")
