"""The page of a review in a real browser: keys, filters, corrections, two tabs, a lost server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from review_files import annotated, write_file
from review_page import DESKTOP, PHONE, Page, judged
from review_server import Served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(write_file(tmp_path, annotated()), tmp_path) as server:
        yield server


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
    plot = page.bounds(".plot")
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
    grip = page.bounds(".handles [data-side=e] .grip")
    across, down = grip["x"] + 4, grip["y"] + 4
    page.drag((across, down), (across + 116, down))
    page.see("!document.querySelector('.pending').hidden")
    page.see("!document.querySelector('.pending .save').disabled")
    page.press("s")
    page.see(judged(1))
    after = served.get("api/instances")["rows"][0]
    assert after["corrected"] and after["hash"] != before["hash"]
    page.end()


def test_the_sides_of_a_turned_box_stay(browser: Any, tmp_path: Path) -> None:
    content = annotated()
    content["annotations"][1]["boxmask"]["turned_box"] = [5, 1, 9, 5, 5, 9, 1, 5]
    with Served(write_file(tmp_path, content), tmp_path) as server:
        page = Page(browser, server)
        page.press("Enter")
        page.tab.wait_for_selector("#viewer .current polygon", state="attached")
        assert page.tab.locator(".handles [data-side=e]").count() == 0
        page.see("document.querySelector('.details').textContent.includes('This box is turned')")
        page.end()


def test_what_has_no_box_is_shown_and_painted(browser: Any, tmp_path: Path) -> None:
    content = annotated()
    boxless, huge, nowhere, broken, _ = content["annotations"]
    del boxless["segmentation"]
    boxless |= {"bbox": None, "boxmask": {"status": "skipped", "reason": "bbox"}}
    huge["bbox"] = [1, 1, 1e308, 1e308]
    nowhere["image_id"] = 99
    broken["segmentation"] = {"size": [30, 40], "counts": "%%%%%%"}
    with Served(write_file(tmp_path, content), tmp_path) as server:
        page = Page(browser, server)
        page.see("document.querySelectorAll('.tile').length === 5")
        page.press("Enter", *4 * ["ArrowRight"])
        page.see("document.querySelector('.facts').textContent.includes('5 of 5')")
        for _ in range(5):
            if page.tab.is_visible(".hint:has-text('It has no box that can be read: paint')"):
                break
            page.press("ArrowLeft")
            page.tab.wait_for_timeout(200)
        page.press("e")
        x, y = page.middle()
        page.drag((x, y), (x + 80, y + 80))
        page.press("s")
        page.see(judged(1))
        row = server.get("api/instances?verdict=corrected")["rows"][0]
        assert row["mask_box"] == row["box"]
        page.wrong = [one for one in page.wrong if "404" not in one]  # the image of one
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


def test_a_finished_correction_is_saved_before_the_next_is_shown(
    browser: Any, served: Served
) -> None:
    page = Page(browser, served)
    page.press("Enter", "e")
    x, y = page.middle()
    page.drag((x, y), (x + 100, y + 100))
    page.see("!document.querySelector('.pending').hidden")
    page.press("x")
    assert "Save the correction" in page.text("#toast")
    assert verdicts(served) == {}
    page.press("ArrowRight")
    page.see(judged(1))
    page.see("document.querySelector('.facts').textContent.includes('2 of 5')")
    assert verdicts(served) == {1: "corrected"}
    page.end()


def test_the_neighbours_in_the_list_are_a_click_away(browser: Any, served: Served) -> None:
    page = Page(browser, served)
    page.press("Enter")
    page.see("document.querySelectorAll('.thumb').length === 5")
    page.tab.click(".thumb:nth-child(3)")
    page.see("document.querySelector('.facts').textContent.includes('3 of 5')")
    page.see("document.querySelector('.thumb:nth-child(3)').ariaCurrent === 'true'")
    page.press("a")
    page.see("document.querySelector('.thumb:nth-child(3) .badge.accept')")
    page.press("w")
    page.see("document.querySelector('.strip').hidden")
    page.end()


def test_a_class_that_is_not_there_is_told(browser: Any, served: Served) -> None:
    page = Page(browser, served, at="#category=unicorn", wait="#empty:not([hidden])")
    assert page.text("#empty") == "There is no class “unicorn”."
    page.tab.click("#classes label:has-text('unicorn') input")
    page.see("document.querySelector('#matching').textContent === '5 instances'")
    page.end()


def test_photographs_alone_tell_how_many_were_drawn(browser: Any, tmp_path: Path) -> None:
    write_file(tmp_path, annotated()).unlink()
    with Served(None, tmp_path) as server:
        page = Page(browser, server, wait=".stage")
        page.press("Escape", "Escape")  # also before the picture is there: there is nowhere to go
        page.see("document.body.innerText.includes('.png, 0 masks')")
        assert page.text("#progress-text") == "0 drawn"
        page.press("n", "Escape")
        page.press("n")
        x, y = page.middle()
        page.drag((x, y), (x + 160, y + 120))
        page.see("!document.querySelector('.pending .save').disabled")
        page.press("ArrowRight")
        assert "Save the new mask" in page.text("#toast")
        page.tab.fill("#new-class", "kite")
        page.press("Enter")
        page.see("document.querySelector('#progress-text').textContent === '1 drawn'")
        page.see("document.querySelector('#classes').textContent === 'kite1'")
        page.end()
