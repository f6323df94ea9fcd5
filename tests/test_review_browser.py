"""The page of a review in a real browser: keys, filters, corrections, two tabs, a lost server."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from review_files import annotated, write_file
from review_server import Served

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed here")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("uvicorn", reason="the extra boxmask[review] is not installed")

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = (1280, 800), (390, 844)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(write_file(tmp_path, annotated()), tmp_path) as server:
        yield server


class Page:
    """A tab with the page, and what went wrong in it."""

    def __init__(self, browser: Any, served: Served, size: tuple[int, int] = DESKTOP) -> None:
        self.served = served
        self.wrong: list[str] = []
        width, height = size
        self.context = browser.new_context(viewport={"width": width, "height": height})
        self.tab = self.context.new_page()
        self.tab.on("console", lambda said: self.note(said.type, said.text))
        self.tab.on("pageerror", lambda error: self.note("error", str(error)))
        self.tab.on("request", self.check_host)
        self.tab.goto(served.address)
        self.tab.wait_for_selector(".tile")

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

    def middle(self) -> tuple[float, float]:
        """Return the middle of the picture."""
        stage = self.tab.locator(".stage").bounding_box()
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
    return f"document.querySelector('#progress-text').textContent.startsWith('{count} of')"


def verdicts(served: Served) -> dict[int, str]:
    rows = served.get("api/instances?order=file")["rows"]
    return {one["row"]: one["verdict"]["verdict"] for one in rows if one["verdict"]}


def test_keys_judge_and_go_on_and_undo_goes_back(browser: Any, served: Served) -> None:
    page = Page(browser, served)
    page.press("a", "x", "f")
    page.see(judged(3))
    assert verdicts(served) == {1: "accept", 2: "reject", 0: "fix"}  # the worst first
    page.press("z", "z")
    page.see(judged(1))
    page.press("Shift+Z")
    page.see(judged(2))
    assert verdicts(served) == {1: "accept", 2: "reject"}
    page.end()


def test_filters_leave_out_and_survive_a_reload(browser: Any, served: Served) -> None:
    page = Page(browser, served)
    page.tab.click("[data-filter=status][data-value=ok]")
    page.see("document.querySelector('#matching').textContent === '3 instances match'")
    plot = page.tab.locator(".plot").bounding_box()
    across, down = plot["x"], plot["y"] + 30
    page.drag((across + plot["width"] * 0.6, down), (across + plot["width"] * 0.8, down))
    page.see("document.querySelector('#matching').textContent === '1 instance match'")
    page.tab.reload()
    page.see("document.querySelector('#matching').textContent === '1 instance match'")
    assert page.tab.locator(".tile").count() == 1
    page.tab.click("#clear")
    page.see("document.querySelector('#matching').textContent === '5 instances'")
    page.end()


def test_a_side_of_the_box_is_dragged_and_the_new_mask_kept(browser: Any, served: Served) -> None:
    page = Page(browser, served)
    page.press("Enter")
    page.tab.wait_for_selector(".handles [data-side=e]", state="attached")
    before = served.get("api/instances")["rows"][0]
    grip = page.tab.locator(".handles [data-side=e] .grip").bounding_box()
    across, down = grip["x"] + 4, grip["y"] + 4
    page.drag((across, down), (across + 116, down))
    page.see("!document.querySelector('.pending').hidden")
    page.see("!document.querySelector('.pending .save').disabled")
    page.press("s")
    page.see(judged(1))
    after = served.get("api/instances")["rows"][0]
    assert after["corrected"] and after["hash"] != before["hash"]
    page.end()


def test_the_brush_adds_pixels(browser: Any, served: Served) -> None:
    page = Page(browser, served)
    page.press("Enter", "e")
    x, y = page.middle()
    page.drag((x, y), (x + 150, y + 150))
    page.press("s")
    page.see(judged(1))
    row = served.get("api/instances")["rows"][0]
    assert row["corrected"]
    assert row["mask_box"][2] * row["mask_box"][3] > 36  # it was 6 x 6
    page.end()


def test_a_new_box_gets_a_mask_and_a_class(browser: Any, served: Served) -> None:
    page = Page(browser, served)
    page.press("n")
    page.tab.wait_for_selector(".stage[data-tool=draw]")
    x, y = page.middle()
    page.drag((x, y), (x + 160, y + 120))
    page.see("!document.querySelector('.pending .save').disabled")
    page.tab.fill("#new-class", "kite")
    page.tab.click(".pending .save")
    page.see("document.querySelector('.details h2').textContent === 'kite'")
    assert served.get("api/summary")["drawn"] == 1
    page.end()


def test_two_tabs_agree(browser: Any, served: Served) -> None:
    one, other = Page(browser, served), Page(browser, served)
    one.press("x")
    other.see("document.querySelector('.tile[data-verdict=reject]')")
    one.end()
    other.end()


def test_a_lost_server_is_told_and_nothing_is_judged_meanwhile(
    browser: Any, served: Served
) -> None:
    page = Page(browser, served)
    page.press("a")
    page.see(judged(1))
    served.process.kill()
    served.process.wait()
    page.press("x")
    page.see("!document.querySelector('#lost').hidden")
    assert "Not saved yet: Rejected" in page.text("#lost")
    page.context.close()
    kept = (served.file or Path()).with_name("masks.json.verdicts.jsonl").read_text()
    assert [json.loads(line)["verdict"] for line in kept.splitlines()[1:]] == ["accept"]


def test_the_sample_of_an_audit_is_one_click_away(browser: Any, tmp_path: Path) -> None:
    file = write_file(tmp_path, annotated())
    command = [sys.executable, "-m", "boxmask", "review", str(file), "--images", str(tmp_path)]
    subprocess.run([*command, "--audit", "2"], check=True, capture_output=True)
    with Served(file, tmp_path) as server:
        page = Page(browser, server)
        page.tab.click("#sample")
        page.see("document.querySelector('#matching').textContent === '2 instances match'")
        page.press("a")
        page.see("document.querySelector('#audit').textContent.includes('1 of 2 judged')")
        page.end()


@pytest.mark.parametrize("size", [PHONE, DESKTOP, (2560, 1440)])
def test_everything_has_its_place_and_its_name(
    browser: Any, served: Served, size: tuple[int, int]
) -> None:
    page = Page(browser, served, size)
    page.press("Enter")
    page.tab.wait_for_selector(".stage")
    assert page.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    unnamed = """[...document.querySelectorAll('button, input, select, [role=slider]')].filter(
        (one) => !(one.textContent.trim() || one.ariaLabel || one.labels?.length))
        .map((one) => one.outerHTML)"""
    assert page.tab.evaluate(unnamed) == []
    page.end()
