"""Film `boxmask review` for its document: judge, click, drag, draw.

    python examples/film_review.py docs/review.webp

Needs `pip install "boxmask[review]" playwright` and Chromium. A minute of work.
"""

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import ViewportSize, sync_playwright

import boxmask

PHOTOS = Path(__file__).parent / "photos"
SIZE = (1180, 740)  # of the window
WIDTH = 885  # of the film
LONG, SHORT, DRAG = 1300, 650, 90  # milliseconds
ARROW = [(0, 0), (0, 21), (5, 16), (9, 24), (13, 22), (9, 14), (16, 14)]
INK, PAPER, WASHED = "#111", "#fff", (17, 17, 17, 215)


class Film:
    """A page, and the frames that were taken of it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.frames: list[Image.Image] = []
        self.times: list[int] = []
        self.hand: tuple[float, float] | None = None

    def take(self, milliseconds: int, said: str = "") -> None:
        """Take a frame, with the hand and what is said in it."""
        frame = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        if self.hand:
            x, y = self.hand
            arrow = [(x + u, y + v) for u, v in ARROW]
            ImageDraw.Draw(frame).polygon(arrow, fill=PAPER, outline=INK, width=2)
        if said:
            self._say(frame, said)
        height = round(frame.height * WIDTH / frame.width)
        self.frames.append(frame.resize((WIDTH, height), Image.Resampling.LANCZOS))
        self.times.append(milliseconds)

    def _say(self, frame: Image.Image, said: str) -> None:
        font = ImageFont.load_default(26)
        width = font.getlength(said) + 44
        left = (frame.width - width) / 2
        pen = ImageDraw.Draw(frame, "RGBA")
        pen.rounded_rectangle((left, 66, left + width, 114), 12, fill=WASHED)
        pen.text((frame.width / 2, 90), said, PAPER, font, anchor="mm")

    def press(self, key: str, said: str, milliseconds: int = SHORT) -> None:
        """Press a key."""
        self.page.keyboard.press(key)
        self.page.wait_for_timeout(500)
        self.take(milliseconds, said)

    def click(self, at: tuple[float, float], said: str, button: str = "left") -> None:
        """Click on the picture."""
        self.hand = at
        self.take(SHORT, said)
        self.page.mouse.click(*at, button=button)
        self.settle()
        self.take(LONG, said)

    def warm(self, at: tuple[float, float]) -> None:
        """Wait until the network is loaded, by a click that is given up."""
        self.page.mouse.click(*at)
        self.settle()
        self.page.keyboard.press("Escape")

    def drag(self, start: tuple[float, float], end: tuple[float, float], said: str) -> None:
        """Drag from one place to another; the mask follows."""
        self.page.mouse.move(*start)
        self.page.mouse.down()
        (x, y), (u, v) = start, end
        for step in range(1, 13):
            self.hand = x + (u - x) * step / 12, y + (v - y) * step / 12
            self.page.mouse.move(*self.hand)
            self.settle(least=60)
            self.take(DRAG, said)
        self.page.mouse.up()
        self.settle()
        self.take(LONG, said)

    def settle(self, least: int = 250) -> None:
        """Wait until the mask is there."""
        self.page.wait_for_timeout(least)
        waits = "/predicting/.test(document.querySelector('.pending p')?.textContent ?? '')"
        while self.page.evaluate(waits):
            self.page.wait_for_timeout(50)

    def place(self, across: float, down: float) -> tuple[float, float]:
        """Find a place of the picture, in shares of the image that is shown."""
        box = self.page.locator(".whole-image").bounding_box()
        return box["x"] + across * box["width"], box["y"] + down * box["height"]

    def save(self, out: Path) -> None:
        """Write what was taken as one file."""
        first, *others = self.frames
        options = {"duration": self.times, "loop": 0, "quality": 60, "method": 6}
        first.save(out, "WEBP", save_all=True, append_images=others, **options)


def play(film: Film) -> None:
    """Do what somebody does who reviews."""
    film.page.wait_for_selector(".tile")
    film.page.wait_for_timeout(1500)
    film.take(LONG, "the worst masks first")
    film.press("ArrowRight", "")
    film.press("x", "X  reject")
    film.press("f", "F  needs work")
    film.press("a", "A  accept", LONG)
    film.press("Home", "")
    film.press("Enter", "Enter  close up", LONG)
    film.warm(film.place(0.5756, 0.757))
    film.click(film.place(0.5756, 0.757), "click: this belongs to it")
    film.click(film.place(0.574, 0.586), "and this")
    film.hand = None
    film.press("s", "S  save", LONG)
    film.press("w", "W  the whole image", LONG)
    film.press("n", "N  a new box")
    film.drag(film.place(0.33, 0.02), film.place(0.62, 0.44), "N  a new box")
    film.page.fill("#new-class", "face")
    film.hand = None
    film.take(SHORT, "its class")
    film.page.click(".pending .save")
    film.page.wait_for_timeout(900)
    film.take(LONG, "saved at once, undo without end")


@contextmanager
def served(masks: Path) -> Iterator[str]:
    """Serve a file, and yield the address of its page."""
    command = [sys.executable, "-m", "boxmask", "review", str(masks), "--images", str(PHOTOS)]
    with subprocess.Popen([*command, "--no-open"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        lines = (re.search(r"http://\S+", line) for line in server.stdout)
        yield next(found[0] for found in lines if found)
        server.kill()


def main() -> None:
    """Annotate the photographs of the examples, review them, and film it."""
    parser = argparse.ArgumentParser(description="Film boxmask review.")
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as browsers:
        masks = Path(folder) / "masks.json"
        boxmask.annotate(PHOTOS / "boxes.json", images=PHOTOS, out=masks)
        chromium = shutil.which("chromium") or shutil.which("chrome")
        browser = browsers.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        view = ViewportSize(width=SIZE[0], height=SIZE[1])
        with served(masks) as address:
            film = Film(browser.new_page(viewport=view, color_scheme="dark"))
            film.page.goto(address)
            play(film)
            film.save(given.out)
        browser.close()
    seconds, size = sum(film.times) / 1000, given.out.stat().st_size
    print(f"{given.out}: {len(film.frames)} frames, {seconds:.0f} s, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
