"""The server of a review: whom it answers, what it says, and that nothing it took is lost."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from check_files import filled
from PIL import Image
from review_files import annotated, write_file
from review_server import Served

from boxmask.errors import WeightsError
from boxmask.review.job import ReviewJob

pytest.importorskip("starlette", reason="the extra boxmask[review] is not installed")
pytest.importorskip("uvicorn", reason="the extra boxmask[review] is not installed")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose verdicts other tests of this file add to."""
    folder = tmp_path_factory.mktemp("review")
    (folder / "secret.png").write_bytes(b"not of the dataset")
    with Served(write_file(folder, annotated()), folder) as server:
        yield server


def entries(file: Path) -> list[dict[str, object]]:
    """Read the verdicts beside a file."""
    kept = file.with_name(f"{file.name}.verdicts.jsonl").read_text()
    return [json.loads(line) for line in kept.splitlines()[1:]]


def test_the_page_and_all_its_files_are_served(served: Served) -> None:
    status, page = served.ask("")
    assert status == 200 and b"boxmask review" in page
    for name in ("main.js", "viewer.js", "style.css", "icon.svg"):
        assert served.ask(f"page/{name}")[0] == 200


@pytest.mark.parametrize("path", ["page/../api.py", "page/%2e%2e/api.py", "page/none.js", "x"])
def test_nothing_else_is_served(served: Served, path: str) -> None:
    assert served.ask(path)[0] == 404


def test_another_host_is_refused(served: Served) -> None:
    assert served.ask("api/summary", Host="evil.example")[0] == 403


def test_without_the_token_nothing_is_there(served: Served) -> None:
    wrong = Served.__new__(Served)
    wrong.address = f"http://{served.host}/{'0' * 32}/"
    assert wrong.ask("api/summary")[0] == 404


def test_a_form_of_another_page_is_refused(served: Served) -> None:
    verdict = {"row": 0, "verdict": "accept", "hash": None, "client": "c"}
    kind = {"Content-Type": "text/plain"}
    assert served.ask("api/verdict", verdict, **kind)[0] == 415
    assert served.ask("api/verdict", verdict, Origin="http://evil.example")[0] == 403


def test_a_body_that_is_no_question_is_refused(served: Served) -> None:
    assert served.ask("api/verdict", {"row": 0})[0] == 400
    assert served.ask("api/verdict", [1])[0] == 400


def test_the_worst_come_first_and_filters_leave_out(served: Served) -> None:
    rows = served.get("api/instances")["rows"]
    assert [one["row"] for one in rows[:3]] == [1, 2, 0]
    assert [one["row"] for one in served.get("api/instances?iou_min=0.5&iou_max=0.8")["rows"]] == [
        2
    ]
    assert served.get("api/instances?image=b.png")["total"] == 3
    assert served.get("api/instances?category=nothing")["total"] == 0
    assert served.ask("api/instances?order=sideways")[0] == 400
    assert sum(served.get("api/histogram")["counts"]) == 3


def test_pictures_are_of_the_image_itself(served: Served) -> None:
    status, jpeg = served.ask("image/0.jpg?side=40")
    assert status == 200 and Image.open(BytesIO(jpeg)).size == (40, 30)
    assert served.ask("crop/0.jpg?side=64")[0] == 200
    assert served.ask("image/99.jpg")[0] == 404


def test_a_verdict_counts_until_it_is_undone_and_again_when_redone(served: Served) -> None:
    shown = served.get("api/instances")["rows"][0]
    answer = served.post("api/verdict", row=1, verdict="reject", hash=shown["hash"])
    assert answer["instance"]["verdict"]["verdict"] == "reject"
    assert served.get("api/instances?verdict=reject")["total"] == 1
    assert served.post("api/undo")["undone"]["row"] == 1
    assert served.get("api/instances?verdict=reject")["total"] == 0
    assert served.post("api/redo")["instance"]["verdict"]["verdict"] == "reject"
    assert served.post("api/undo", client="somebody-else")["undone"] is None
    changed = served.get(f"api/changes?since={answer['seq'] - 1}")
    assert [one["row"] for one in changed["rows"]] == [1]


def test_a_verdict_on_a_mask_that_was_not_shown_is_refused(served: Served) -> None:
    stale = {"row": 2, "verdict": "accept", "hash": "0" * 16, "client": "c"}
    status, body = served.ask("api/verdict", stale)
    assert status == 409 and json.loads(body)["instance"]["row"] == 2


def test_the_network_answers_for_a_box_and_what_it_said_is_kept(served: Served) -> None:
    shown = served.get("api/instances?image=a.png&order=file")["rows"][0]
    click = {"x": 8.5, "y": 8.5, "inside": True}
    question = {"image": shown["image"], "box": shown["box"], "row": shown["row"]}
    found = served.post("api/predict", **question, points=[click])
    assert found["rings"] and 0 <= found["iou"] <= 1
    own = {"row": shown["row"], "hash": shown["hash"], "rle": found["rle"], "box": shown["box"]}
    kept = served.post("api/correct", **own, by=["box", "points"])["instance"]
    assert kept["corrected"] and kept["hash"] == found["hash"]
    outside = {"image": 0, "box": [900, 900, 5, 5], "client": "c1"}
    assert served.ask("api/predict", outside)[0] == 400
    assert served.ask("api/predict", {**outside, "row": 999})[0] == 404


def test_clicks_on_a_turned_box_are_about_the_mask_that_is_there(tmp_path: Path) -> None:
    content = annotated()
    content["annotations"][0]["boxmask"]["turned_box"] = [15, 2, 27, 9, 15, 16, 3, 9]
    with Served(write_file(tmp_path, content), tmp_path) as server:
        shown = server.get("api/instances?image=a.png&order=file")["rows"][0]
        assert shown["corners"] == [15, 2, 27, 9, 15, 16, 3, 9]
        click = {"x": 15.5, "y": 8.5, "inside": True}  # in the mask: it asks for nothing new
        question = {"image": shown["image"], "box": shown["box"], "row": shown["row"]}
        found = server.post("api/predict", **question, points=[click])
        assert found["mask_box"] == shown["mask_box"]


def test_a_drawn_mask_is_kept_apart(served: Served) -> None:
    values = {"image": 1, "rle": filled(30, 2, 4, 5), "box": [30, 2, 4, 5]}
    answer = served.post("api/draw", **values, category="kite")
    drawn = answer["instance"]
    assert answer["drawn"] == 1
    assert str(drawn["row"]).startswith("new-") and drawn["drawn"]
    assert served.get("api/image/1")["total"] == 4
    summary = served.get("api/summary")
    assert summary["drawn"] == 1 and {"name": "kite", "count": 1} in summary["categories"]
    empty = {**values, "client": "c1", "category": "thing", "rle": {"size": [30, 40], "counts": ""}}
    assert served.ask("api/draw", empty)[0] == 400


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    file = write_file(folder, annotated())
    (folder / "a.png").rename(tmp_path / "elsewhere.png")
    (folder / "a.png").symlink_to(tmp_path / "elsewhere.png")
    with Served(file, folder) as server:
        status, body = server.ask("image/0.jpg")
        assert status == 404 and b"leads out" in body
        assert server.ask("image/1.jpg")[0] == 200


def test_a_killed_server_keeps_every_verdict_that_it_answered(tmp_path: Path) -> None:
    file = write_file(tmp_path, annotated())
    with Served(file, tmp_path) as server:
        hashes = {one["row"]: one["hash"] for one in server.get("api/instances")["rows"]}
        for row in (0, 1, 2):
            server.post("api/verdict", row=row, verdict="accept", hash=hashes[row])
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    assert [one["row"] for one in entries(file)] == [0, 1, 2]
    with Served(file, tmp_path) as again:
        assert again.get("api/summary")["verdicts"]["accept"] == 3


def test_the_sample_of_an_audit_is_shown_and_told_of(tmp_path: Path) -> None:
    file = write_file(tmp_path, annotated())
    command = [sys.executable, "-m", "boxmask", "review", str(file), "--images", str(tmp_path)]
    subprocess.run([*command, "--audit", "2"], check=True, capture_output=True)
    with Served(file, tmp_path) as server:
        assert server.get("api/summary")["sample"] == 2
        first, _ = server.get("api/instances?sample=1")["rows"]
        server.post("api/verdict", row=first["row"], verdict="accept", hash=first["hash"])
        told = server.get("api/audit")
    assert (told["sample"], told["judged"], told["acceptable"]) == (2, 1, 1)


def test_a_second_server_on_the_same_verdicts_says_so(served: Served) -> None:
    assert served.file is not None
    command = [sys.executable, "-m", "boxmask", "review", str(served.file), "--images", "."]
    second = subprocess.run([*command, "--no-open"], capture_output=True, text=True)
    assert second.returncode == 1
    assert second.stderr.startswith("error: ") and second.stderr.count("\n") == 1


def test_weights_that_are_none_are_told_of_before_the_file_is_read(tmp_path: Path) -> None:
    from boxmask.review.server import serve

    (tmp_path / "w").write_text("none")
    job = ReviewJob(tmp_path / "absent.json", tmp_path, weights=tmp_path / "w")
    with pytest.raises(WeightsError, match="not safetensors"):
        serve(job, lambda opened: None)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process")
def test_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    with Served(write_file(tmp_path, annotated()), tmp_path) as server:
        server.get("api/summary")
        server.process.send_signal(signal.SIGINT)
        printed, error = server.process.communicate()
    assert (server.process.returncode, error) == (0, "")
    assert "0 new entries" in printed
