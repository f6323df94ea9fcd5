"""Settings for all tests."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
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


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep graphs out of the user's own cache folder, and that out of the tests."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.setenv("LOCALAPPDATA", str(folder))
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real Chromium; tests that ask for it are skipped where there is none."""
    from review_page import open_browser

    with open_browser() as opened:
        yield opened
