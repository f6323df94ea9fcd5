"""The page of a review in a real Chromium, for the tests that look at it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from review_server import Served

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # where that is small, tabs die and nothing says so
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = (1280, 800), (390, 844)


@contextmanager
def open_browser() -> Iterator[Any]:
    """Start Chromium; skip the tests that want it where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    pytest.importorskip("uvicorn", reason="the extra boxmask[review] is not installed")
    names = ("chromium", "chromium-browser", "chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("no Chromium is installed here")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()


class Page:
    """A tab with the page, and what went wrong in it."""

    def __init__(
        self,
        browser: Any,
        served: Served,
        size: tuple[int, int] = DESKTOP,
        *,
        at: str = "",
        wait: str = ".tile",
        **options: Any,
    ) -> None:
        self.served = served
        self.wrong: list[str] = []
        width, height = size
        self.context = browser.new_context(viewport={"width": width, "height": height}, **options)
        self.tab = self.context.new_page()
        self.tab.on("console", lambda said: self.note(said.type, said.text))
        self.tab.on("pageerror", lambda error: self.note("error", str(error)))
        self.tab.on("request", self.check_host)
        self.tab.goto(f"{served.address}{at}")
        self.tab.wait_for_selector(wait)

    def note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.wrong.append(text)

    def check_host(self, request: Any) -> None:
        if not request.url.startswith((f"http://{self.served.host}/", "blob:", "data:")):
            self.wrong.append(f"asked {request.url}")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.tab.keyboard.press(key)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the mouse at a place, move it to another, and let it go."""
        self.tab.mouse.move(*start)
        self.tab.mouse.down()
        self.tab.mouse.move(*end, steps=5)
        self.tab.mouse.up()

    def bounds(self, selector: str) -> dict[str, float]:
        """Return where something is, once it is shown: the page may be drawing it anew."""
        for _ in range(600):
            found: dict[str, float] | None = self.tab.locator(selector).bounding_box()
            if found is not None:
                return found
            self.tab.wait_for_timeout(25)
        raise AssertionError(f"never shown: {selector}")

    def middle(self) -> tuple[float, float]:
        """Return the middle of the picture."""
        stage = self.bounds(".stage")
        return stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2

    def see(self, script: str) -> None:
        """Wait until something is so; the page's own rules forbid waiting inside it."""
        for _ in range(600):
            if self.tab.evaluate(
                f"(() => {{ try {{ return {script} }} catch {{ return false }} }})()"
            ):
                return
            self.tab.wait_for_timeout(25)
        raise AssertionError(f"never so: {script}")

    def text(self, selector: str) -> str:
        return str(self.tab.inner_text(selector))

    def end(self) -> None:
        assert self.wrong == []
        self.context.close()


def judged(count: int) -> str:
    """Say in JavaScript that so many are judged."""
    return f"document.querySelector('#progress-text').textContent.startsWith('{count} of')"
