"""Take the picture of `boxmask review` in its document.

    python examples/review_picture.py docs/review.jpg

Needs `pip install "boxmask[review]" playwright` and Chromium. Ten seconds of work.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import boxmask

PHOTOS = Path(__file__).parent / "photos"


def main(out: Path) -> None:
    """Annotate the photographs of the examples, open the worst masks, and take a picture."""
    with tempfile.TemporaryDirectory() as folder:
        masks = Path(folder) / "masks.json"
        boxmask.annotate(PHOTOS / "boxes.json", images=PHOTOS, out=masks)
        command = [sys.executable, "-m", "boxmask", "review", str(masks), "--images", str(PHOTOS)]
        with subprocess.Popen([*command, "--no-open"], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            lines = (re.search(r"http://\S+", line) for line in server.stdout)
            address = next(found[0] for found in lines if found)
            take_picture(address, out)
            server.kill()


def take_picture(address: str, out: Path) -> None:
    """Judge some masks, and look at what the grid shows then."""
    with sync_playwright() as browsers:
        chromium = shutil.which("chromium") or shutil.which("chrome")
        browser = browsers.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 760}, color_scheme="dark")
        page.goto(address)
        page.wait_for_selector(".tile")
        for key in ("f", "x", "a", "a"):
            page.keyboard.press(key)
        page.wait_for_timeout(1500)
        page.screenshot(path=out, type="jpeg", quality=82)
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
