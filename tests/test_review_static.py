"""The page that opens from disk: complete in its folder, and nobody else's files are touched."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from review_files import Json, annotated, write_file

from boxmask.errors import ConfigError, InputError
from boxmask.review.static import write_static


class Reader(HTMLParser):
    """Collects what a page refers to and what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.refers: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.refers += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read_page(page: Path) -> Reader:
    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader


def write(folder: Path, content: Json, *, worst: int = 100, fresh: bool = False) -> Path:
    file = write_file(folder, content)
    return write_static(file, folder, folder / "page", worst=worst, fresh=fresh).page


def test_the_worst_come_first_each_with_its_crop(tmp_path: Path) -> None:
    page = write(tmp_path, annotated(), worst=2)
    found = read_page(page)
    assert [text for text in found.texts if re.fullmatch(r"0\.\d\d", text)] == ["0.40", "0.70"]
    assert found.refers == ["style.css", "crops/00001.jpg", "crops/00002.jpg"]
    assert all((page.parent / name).is_file() for name in found.refers)
    assert "the 2 of the lowest expected IoU among 3 masks" in found.texts


def test_outlines_are_drawn_in_pixels_of_the_image(tmp_path: Path) -> None:
    text = write(tmp_path, annotated(), worst=1).read_text()
    assert 'd="M2 2 8 2 8 8 2 8z"' in text and '<rect x="2" y="2" width="6"' in text


def test_turned_boxes_are_drawn_by_their_corners(tmp_path: Path) -> None:
    content = annotated()
    content["annotations"][1]["boxmask"]["turned_box"] = [5, 1, 9, 5, 5, 9, 1, 5]
    text = write(tmp_path, content, worst=1).read_text()
    assert '<polygon points="5 1 9 5 5 9 1 5"' in text and "<rect" not in text


def test_nothing_is_asked_of_anywhere_else_and_no_script_runs(tmp_path: Path) -> None:
    page = write(tmp_path, annotated())
    found = read_page(page)
    assert "script" not in found.tags
    assert not any(":" in name or name.startswith("/") for name in found.refers)
    assert "url(" not in (page.parent / "style.css").read_text()


def test_names_are_written_as_text(tmp_path: Path) -> None:
    content = annotated()
    content["categories"][0]["name"] = "<script>&"
    found = read_page(write(tmp_path, content))
    assert "script" not in found.tags and "<script>&" in "".join(found.texts)


def test_an_image_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    file = write_file(tmp_path, annotated())
    (tmp_path / "a.png").write_bytes(b"no image")
    made = write_static(file, tmp_path, tmp_path / "page")
    assert (made.shown, made.unreadable) == (3, 2)
    assert "a.png cannot be read" in read_page(made.page).texts


def test_a_smaller_page_removes_the_crops_of_the_one_before(tmp_path: Path) -> None:
    page = write(tmp_path, annotated())
    mine = page.parent / "crops" / "mine.jpg"
    shutil.copy(page.parent / "crops" / "00001.jpg", mine)
    write(tmp_path, annotated(), worst=1)
    assert sorted(path.name for path in mine.parent.iterdir()) == ["00001.jpg", "mine.jpg"]


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("mine")
    with pytest.raises(ConfigError, match="holds files"):
        write(tmp_path, annotated())
    assert (tmp_path / "page" / "index.html").read_text() == "mine"
    write(tmp_path, annotated(), fresh=True)


def test_a_page_that_was_edited_is_kept(tmp_path: Path) -> None:
    page = write(tmp_path, annotated())
    page.write_text("edited")
    with pytest.raises(ConfigError, match="--fresh"):
        write(tmp_path, annotated())
    assert page.read_text() == "edited"


def test_without_expected_iou_there_is_no_worst(tmp_path: Path) -> None:
    content = annotated()
    for record in content["annotations"]:
        record.pop("boxmask", None)
    with pytest.raises(InputError, match="no annotation has a predicted_iou"):
        write(tmp_path, content)
