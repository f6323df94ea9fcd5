"""`boxmask import`: what it takes, what it refuses, and that its weights make masks."""

import json
import shutil
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
import torch
from published_files import write_checkpoint
from test_published_networks import Kept
from typer.testing import CliRunner

from boxmask.cli import app
from boxmask.errors import BoxmaskError, WeightsError
from boxmask.models.weights import load_network
from boxmask.published.convert import convert
from boxmask.published.families import Recognised
from boxmask.published.places import checkpoint_at
from boxmask.published.run import import_weights

CASE = "mac-hg10-hourglass20"
PHOTOS = Path(__file__).parents[1] / "examples" / "photos"
SETTINGS = """model { center_net { image_resizer { keep_aspect_ratio_resizer {
  min_dimension: 128
  max_dimension: 256
  pad_to_max_dimension: true } } } }"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like those that the authors' archives unpack to."""
    folder = tmp_path_factory.mktemp("published") / "deepmac"
    write_checkpoint(folder / "checkpoint" / "ckpt-0", Kept(CASE))
    variables = folder / "saved_model" / "variables"
    variables.mkdir(parents=True)
    for path in (folder / "checkpoint").iterdir():
        shutil.copy(path, variables / path.name.replace("ckpt-0", "variables"))
    (folder / "pipeline.config").write_text(SETTINGS)
    return folder


@pytest.fixture(scope="module")
def archive(folder: Path) -> Path:
    """The folder as it is published."""
    path = folder.with_suffix(".tar.gz")
    with tarfile.open(path, "w:gz", compresslevel=1) as packed:
        packed.add(folder, arcname="deepmac")
    return path


def test_an_archive_becomes_weights_that_are_the_authors_and_make_masks(
    archive: Path, tmp_path: Path
) -> None:
    out = tmp_path / "w.safetensors"
    shown = CliRunner().invoke(app, ["import", str(archive), "--out", str(out)])
    assert shown.exit_code == 0, shown.output
    assert "Deep-MAC, hourglass10 with hourglass20, 6.7 M parameters" in shown.stdout
    assert "images of 256 pixels" in shown.stdout
    assert "it finds boxes of 3 classes: boxmask detect PHOTOS --weights" in shown.stdout
    network, card = load_network(out)
    assert card["source"] == archive.name and "Apache-2.0" in card["license"]
    recognised = Recognised(Kept(CASE))
    wanted = convert(recognised, recognised.config).state_dict()
    assert all(torch.equal(wanted[name], found) for name, found in network.state_dict().items())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.safetensors"]
    masks = tmp_path / "masks.json"
    words = ["annotate", str(PHOTOS / "boxes.json"), "--images", str(PHOTOS), "-o", str(masks)]
    assert CliRunner().invoke(app, [*words, "--weights", str(out), "-q"]).exit_code == 0
    assert all(one["segmentation"] for one in json.loads(masks.read_text())["annotations"])


def test_a_saved_model_will_do(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    assert import_weights(folder / "saved_model", out, image_size=384).config.image_size == 384
    small = import_weights(folder / "checkpoint" / "ckpt-0", tmp_path / "half", half=True)
    assert small.config.image_size == 256
    assert (tmp_path / "half").stat().st_size < 0.6 * out.stat().st_size


def test_settings_may_be_missing(folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "run"
    shutil.copytree(folder / "checkpoint", bare)
    words = ["import", str(bare / "ckpt-0.index"), "--out", str(tmp_path / "w"), "--json"]
    shown = CliRunner().invoke(app, words)
    assert json.loads(shown.stdout)["image_size"] == 1024
    shown = CliRunner().invoke(app, [*words[:3], str(tmp_path / "v.safetensors")])
    assert "--image-size" in shown.stderr


def test_settings_of_the_model_garden_name_the_size(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "checkpoint", tmp_path / "run")
    (tmp_path / "run" / "params.yaml").write_text(
        "task:\n  model:\n    input_size: [640, 640, 3]\n"
    )
    with checkpoint_at(tmp_path / "run", room=tmp_path) as (_, size):
        assert size == 640


def test_nothing_is_replaced(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    out.write_text("mine")
    with pytest.raises(BoxmaskError, match=r"w\.safetensors is there already; give another name"):
        import_weights(folder, out)
    assert out.read_text() == "mine"


def packed(path: Path, members: dict[str, bytes]) -> Path:
    """An archive of files."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, BytesIO(data))
    return path


def test_what_is_no_checkpoint_is_refused(folder: Path, archive: Path, tmp_path: Path) -> None:
    two = tmp_path / "two"
    two.mkdir()
    for name in ("ckpt-1", "ckpt-2"):
        shutil.copy(folder / "checkpoint" / "ckpt-0.index", two / f"{name}.index")
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(archive.read_bytes()[:100_000])
    text = tmp_path / "text.tar.gz"
    text.write_text("no archive")
    empty = tmp_path / "empty"
    empty.mkdir()
    cases = {
        two: r"two: 2 checkpoints inside, ckpt-1, ckpt-2; give one of them",
        cut: r"cut\.tar\.gz: no archive that can be unpacked",
        text: r"text\.tar\.gz: no archive that can be unpacked",
        empty: r"empty: no checkpoint of TensorFlow 2 inside",
        tmp_path / "nothing": r"nothing: no checkpoint, no folder and no archive",
        packed(tmp_path / "out.tar", {"../x.index": b"1"}): r"a file \.\./x\.index, outside of",
        packed(tmp_path / "other.tar", {"a.txt": b"1"}): r"other\.tar: no checkpoint of",
        packed(tmp_path / "b.tar", {"a.index": b"1"}): r"a\.index: the end of an index is missing",
    }
    for path, message in cases.items():
        with pytest.raises(WeightsError, match=message):
            import_weights(path, tmp_path / "w")
    assert not list(tmp_path.glob(".boxmask*")) and not (tmp_path / "w").exists()
