"""What needs no PyTorch does not import it: that takes longer than a whole small run."""

import subprocess
import sys

import pytest

FREE = (
    "boxmask.models",
    "boxmask.models.cuts",
    "boxmask.models.header",
    "boxmask.models.prediction",
    "boxmask.annotate.begin",
    "boxmask.annotate.estimate",
    "boxmask.annotate.shards",
    "boxmask.annotate.tightness",
    "boxmask.detect.run",
    "boxmask.geometry",
)
PROBE = """
import sys
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
{more}
print([name for name in ("torch", "torchvision", "timm") if name in sys.modules])
"""
HEADER = """
from boxmask.bundled import BUNDLED
from boxmask.models.device import choose_device, choose_precision
from boxmask.models.header import read_header
assert read_header(BUNDLED).config.window_masks
assert choose_precision("auto", choose_device("cpu")) == "fp32"
"""


@pytest.mark.parametrize("more", ["", HEADER], ids=["imports", "header"])
def test_all_but_the_network_works_without_pytorch(more: str) -> None:
    command = [sys.executable, "-c", PROBE.format(more=more), *FREE]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
