"""The script that writes box files for other programs: each is read as the same boxes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from annotation_files import boxes_of, make_job

from boxmask.data import ReadOptions, read

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("format", "name"),
    [
        ("labelme", "labelme"),
        ("cvat", "cvat.xml"),
        ("label-studio", "tasks.json"),
        ("megadetector", "megadetector.json"),
    ],
)
def test_each_form_is_read_as_the_same_boxes(tmp_path: Path, format: str, name: str) -> None:
    job = make_job(tmp_path, boxes_of(3, 2))
    script = str(ROOT / "examples" / "write_boxes.py")
    subprocess.run([sys.executable, script, str(job.boxes), str(tmp_path / "forms")], check=True)
    given = read(job.boxes)
    found = read(tmp_path / "forms" / name, ReadOptions(images=tmp_path / "images"))
    assert found.format == format and list(found.file_names) == list(given.file_names)
    order = np.lexsort((np.arange(6), given.image_index))
    scale = np.where(found.relative[:, None], [40, 30, 40, 30], 1)
    np.testing.assert_allclose(found.boxes * scale, given.boxes[order], atol=0.01)
