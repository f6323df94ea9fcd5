"""The page of a review for all: contrast in both schemes, focus in sight, names, touch."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from review_files import annotated, write_file
from review_page import PHONE, Page, judged
from review_server import Served

from boxmask.review.static import write_static

FAINT = Path(__file__).with_name("review_contrast.js").read_text(encoding="utf-8")

# What has the focus, and whether that is seen: by an outline, or at the side of a box.
FOCUS = """(() => {
  const one = document.activeElement;
  if (one === document.body) return ["", true];
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  const outlined = one.matches(":focus-visible") && outlineStyle !== "none";
  const side = one.dataset.keySide;
  const drawn = side && document.querySelector(`.hits .focus[data-side=${side}]`);
  const name = `${one.tagName} ${one.id} ${one.className} ${one.ariaLabel ?? one.textContent}`;
  return [name, (outlined && parseFloat(outlineWidth) >= 2) || Boolean(drawn)];
})()"""

SCALE = "new DOMMatrix(document.querySelector('.pixels').style.transform).a"
USED = {"button", "checkbox", "combobox", "dialog", "listbox"}
USED |= {"option", "searchbox", "slider", "textbox"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with verdicts of every kind."""
    folder = tmp_path_factory.mktemp("review")
    with Served(write_file(folder, annotated()), folder) as server:
        for row, verdict in ((0, "accept"), (1, "reject"), (2, "fix")):
            hash = server.get("api/instances?order=file")["rows"][row]["hash"]
            server.post("api/verdict", row=row, verdict=verdict, hash=hash)
        yield server


def faint(page: Page) -> list[str]:
    """List what stands out too little in what is on the screen."""
    page.tab.wait_for_timeout(250)  # for what glides
    seen = page.tab.evaluate(FAINT)
    assert seen["texts"] > 10
    return list(seen["found"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_and_controls_stand_out(browser: Any, served: Served, scheme: str) -> None:
    page = Page(browser, served, color_scheme=scheme)
    assert faint(page) == []
    page.press("?")
    assert faint(page) == []
    page.press("Escape", "Enter", "e")
    x, y = page.middle()
    page.drag((x, y), (x + 50, y + 50))
    page.press("x")  # is refused, which is said
    assert not page.tab.is_hidden("#toast") and not page.tab.is_hidden(".pending")
    assert faint(page) == []
    for verdict in ("accept", "reject", "fix", "corrected", "drawn"):
        page.tab.evaluate(f"document.querySelector('.now').className = 'now {verdict}'")
        assert faint(page) == []
    page.press("Escape", "w")
    page.tab.wait_for_selector("[data-tool=whole][aria-pressed=true]")
    assert faint(page) == []
    page.tab.evaluate("document.querySelector('#lost').hidden = false")
    page.tab.evaluate("document.querySelector('#toast').className = 'toast bad'")
    page.tab.evaluate("document.querySelector('#lost').textContent = 'The server does not answer'")
    assert faint(page) == []
    page.end()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_so_do_those_of_the_page_that_opens_from_disk(
    browser: Any, tmp_path: Path, scheme: str
) -> None:
    made = write_static(write_file(tmp_path, annotated()), tmp_path, tmp_path / "page")
    tab = browser.new_page(color_scheme=scheme)
    tab.goto(made.page.as_uri())
    seen = tab.evaluate(FAINT)
    assert seen["texts"] > 10 and seen["found"] == []
    tab.close()


@pytest.mark.parametrize("view", ["", "Enter"])
def test_the_focus_is_always_in_sight_and_comes_around(
    browser: Any, served: Served, view: str
) -> None:
    page = Page(browser, served)
    if view:
        page.press(view)
        page.tab.wait_for_selector(".handles [data-side=e]", state="attached")
    stops: list[str] = []
    for _ in range(80):
        page.press("Tab")
        what, shown = page.tab.evaluate(FOCUS)
        if stops and what in ("", stops[0]):
            break
        assert shown, what
        stops.append(what)
    assert 20 < len(stops) < 70
    page.end()


@pytest.mark.parametrize("keys", [(), ("?",), ("Enter",), ("w",), ("n",)])
def test_every_control_has_a_name(browser: Any, served: Served, keys: tuple[str, ...]) -> None:
    page = Page(browser, served)
    page.press(*keys)
    page.tab.wait_for_timeout(200)
    tree = page.context.new_cdp_session(page.tab).send("Accessibility.getFullAXTree")["nodes"]
    nodes = [one for one in tree if not one["ignored"] and one["role"]["value"] in USED]
    assert len(nodes) >= 2
    assert [one for one in nodes if not one.get("name", {}).get("value")] == []
    page.end()


class Fingers:
    """Touches the screen as a hand does."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page.tab)

    def move(self, *paths: tuple[tuple[float, float], tuple[float, float]]) -> None:
        """Put down a finger at the start of each path, and move all to their ends."""
        for step in range(9):
            at = [
                {"x": x + (u - x) * step / 8, "y": y + (v - y) * step / 8, "id": id}
                for id, ((x, y), (u, v)) in enumerate(paths)
            ]
            kind = "touchMove" if step else "touchStart"
            self._send(kind, at)
        self._send("touchEnd", [])

    def _send(self, kind: str, points: list[dict[str, float]]) -> None:
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def scale(page: Page) -> float:
    """Return how many pixels of the screen one of the image has."""
    return float(page.tab.evaluate(SCALE))


def test_a_swipe_goes_on_and_two_fingers_zoom(browser: Any, served: Served) -> None:
    page = Page(browser, served, PHONE, has_touch=True)
    page.tab.tap(".tile")
    page.see("document.querySelector('.facts').textContent.includes('1 of 5')")
    x, y = page.middle()
    hand = Fingers(page)
    hand.move(((x + 110, y), (x - 110, y)))
    page.see("document.querySelector('.facts').textContent.includes('2 of 5')")
    hand.move(((x - 110, y), (x + 110, y)))
    page.see("document.querySelector('.facts').textContent.includes('1 of 5')")
    page.tab.wait_for_timeout(300)  # the picture glides into its place
    before = scale(page)
    hand.move(((x - 30, y), (x - 60, y)), ((x + 30, y), (x + 60, y)))
    assert scale(page) == pytest.approx(2 * before, rel=0.05)
    hand.move(((x + 60, y), (x - 60, y)))  # what is zoomed is dragged
    assert "1 of 5" in page.text(".facts")
    page.end()


def test_a_finger_is_told_what_a_finger_can_do(browser: Any, served: Served) -> None:
    page = Page(browser, served, PHONE, has_touch=True)
    page.tab.tap(".tile")
    for tool, said in (
        ("adjust", "Drag a side of the box. Tap what is missing; after Outside, what is too much."),
        ("sign", "Tap what is too much; after Outside again, what is missing."),
        ("brush", "Paint what is missing. The same button again erases."),
        ("brush", "Wipe what does not belong. The same button again adds."),
    ):
        page.tab.tap(f".tool[data-tool={tool}]")
        page.see(f"document.querySelector('.hint').textContent.includes({json.dumps(said)})")
    page.end()


def test_a_finger_drags_a_side_and_taps_outside(browser: Any, tmp_path: Path) -> None:
    with Served(write_file(tmp_path, annotated()), tmp_path) as server:
        page = Page(browser, server, PHONE, has_touch=True)
        page.tab.tap(".tile")
        page.tab.wait_for_selector(".handles [data-side=e]", state="attached")
        grip = page.bounds(".handles [data-side=e] .grip")
        x, y = grip["x"] + 4, grip["y"] + 4
        Fingers(page).move(((x, y), (x + 60, y)))
        page.see("!document.querySelector('.pending .save').disabled")
        page.tab.tap(".pending .save")
        page.see(judged(1))
        kept = (tmp_path / "masks.json.verdicts.jsonl").read_text().splitlines()
        assert json.loads(kept[-1])["by"] == ["box"]
        page.end()


def test_fingers_have_room(browser: Any, served: Served) -> None:
    page = Page(browser, served, PHONE, has_touch=True)
    small = """[...document.querySelectorAll("button, select, input")].filter((one) => {
      const { width, height } = (one.closest("label") ?? one).getBoundingClientRect();
      return one.checkVisibility() && (width < 24 || height < 24);
    }).map((one) => one.outerHTML)"""
    assert page.tab.evaluate(small) == []  # WCAG 2.2: 2.5.8
    page.tab.tap(".tile")
    page.tab.tap("#open-filters")
    assert page.tab.evaluate(small) == []
    page.end()
