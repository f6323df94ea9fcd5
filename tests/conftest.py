"""Settings for all tests."""

import os

from hypothesis import HealthCheck, settings

# Small networks run fastest on one thread, and a child process inherits this.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is no failure; CI tries the same examples each time, other machines new ones.
settings.register_profile(
    "boxmask",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("boxmask")
