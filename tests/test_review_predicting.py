"""What the network of a review is told of the boxes around the one that is asked about."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from check_files import filled
from review_files import annotated, write_file

from boxmask.review.loading import Loading
from boxmask.review.pictures import Pictures
from boxmask.review.predicting import Predicting, Question
from boxmask.review.reading import open_instances
from boxmask.review.session import Session
from boxmask.review.verdicts import VerdictLog


class Asked:
    """Stands for the network: remembers what it was told, and masks the first pixels."""

    boxes: list[list[float]]
    alike: list[bool] | None
    category: str

    def network(self) -> "Asked":
        return self

    def correct(self, pixels: Any, box: Any, points: Any, **told: Any) -> Any:
        self.category = told["category"]
        self.boxes = np.asarray(told["others"]).tolist()
        self.alike = None if told["alike"] is None else told["alike"].tolist()
        return SimpleNamespace(rle=lambda: filled(0, 0, 4, 4), quality=0.5)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    instances = open_instances(write_file(tmp_path, annotated()), tmp_path)
    log = VerdictLog.open(tmp_path / "verdicts", file="masks.json", annotations=5)
    yield Session(instances, log)
    log.close()


def asked(session: Session, row: int | str | None) -> Asked:
    network = Asked()
    predicting = Predicting(session, Pictures(session.instances), cast(Loading, network))
    predicting.predict(Question(0, (5, 4, 20, 10), [], row, None))
    return network


def draw(session: Session, category: str) -> str:
    values: Any = {"rle": filled(30, 2, 4, 5), "box": (30, 2, 4, 5), "category": category}
    return str(session.draw(0, "c", **values)["instance"]["row"])


def test_the_other_boxes_of_the_image_are_shown(session: Session) -> None:
    network = asked(session, 0)
    assert (network.boxes, network.alike) == ([[2, 2, 8, 8]], [True])
    assert network.category == "thing"


def test_drawn_ones_count_until_they_are_rejected(session: Session) -> None:
    row, hash = draw(session, "kite"), session.describe("new-1")
    assert asked(session, 0).boxes == [[2, 2, 8, 8], [30, 2, 34, 7]]
    assert asked(session, 0).alike == [True, False]
    assert hash is not None
    session.judge(row, "reject", hash["hash"], "c")
    assert asked(session, 0).boxes == [[2, 2, 8, 8]]


def test_a_drawn_one_is_not_its_own_neighbour_and_knows_its_class(session: Session) -> None:
    row = draw(session, "thing")
    network = asked(session, row)
    assert network.boxes == [[5, 4, 25, 14], [2, 2, 8, 8]]
    assert network.alike == [True, True]
    assert network.category == "thing"
    assert asked(session, None).alike is None and asked(session, None).category == ""


def test_a_corrected_box_takes_the_place_of_the_one_in_the_file(session: Session) -> None:
    values: Any = {"rle": filled(3, 3, 4, 4), "box": (3, 3, 4, 4), "by": ["box"]}
    session.correct(1, session.instances.hash(1), "c", **values)
    assert asked(session, 0).boxes == [[3, 3, 7, 7]]
