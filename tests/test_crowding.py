"""The example that scores masks by crowding: what it counts as covered."""

import json
import sys
from pathlib import Path

import pytest
from evaluation_files import annotation, form, rectangle

from boxmask.evaluate.job import EvaluateJob
from boxmask.evaluate.run import evaluate

sys.path.append(str(Path(__file__).parents[1] / "examples"))

from crowding import crowding, report


def test_a_box_is_covered_by_the_masks_of_others_once(tmp_path: Path) -> None:
    whole = rectangle(0, 0, 20, 20)
    annotations = [
        annotation(1, whole),
        annotation(2, rectangle(10, 0, 20, 20)),  # its kind, over the right half
        annotation(3, rectangle(10, 0, 10, 10), category_id=2),  # over a part of that again
        annotation(4, rectangle(0, 0, 5, 20), category_id=2, iscrowd=1),
        annotation(5, whole, image_id=2),  # elsewhere
    ]
    path = tmp_path / "true.json"
    path.write_text(json.dumps(form(annotations)))
    evaluation = evaluate(EvaluateJob(path, predicted=(path,), workers=1))
    shares = crowding(evaluation.ground)
    assert shares[0] == pytest.approx([0.75, 0.5])
    assert shares[1] == pytest.approx([0.5, 0.5])
    assert shares[2] == pytest.approx([1.0, 0.0])
    assert shares[3] == pytest.approx([0.0, 0.0])
    assert [line.split()[-3] for line in report(evaluation)[1:]] == ["1", "3", "2"]
