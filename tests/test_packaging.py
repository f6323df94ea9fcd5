"""However boxmask is installed and wherever it is run from, it is the same package."""

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROBE = """
import sys, boxmask, boxmask.models.config, boxmask.train.recipe
from boxmask.cli import app
print(boxmask.__file__)
"""


def run(*arguments: str, cwd: Path, path: Path | None = None) -> str:
    """Run Python in a folder, with only `path` added to what is installed."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "PYTHONDONTWRITEBYTECODE": "1"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def copy_checkout(target: Path) -> Path:
    """Copy what a clone holds: the sources, with links kept as links."""
    kept = ("boxmask", "models", "train", "pyproject.toml", "README.md", "LICENSE")
    target.mkdir()
    for name in kept:
        source = ROOT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target / name, symlinks=True, ignore=ignore)
        else:
            shutil.copy(source, target / name)
    return target


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel made from that sdist."""
    folder = tmp_path_factory.mktemp("built")
    checkout = copy_checkout(folder / "checkout")
    run("-m", "build", "--no-isolation", "--outdir", str(folder), cwd=checkout)
    return folder


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A user's folder with a models package and a train.py of its own."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("raise SystemExit('the wrong models')")
    (tmp_path / "train.py").write_text("raise SystemExit('the wrong train')")
    return tmp_path


def package_names() -> set[str]:
    """Name every folder of Python files as it is installed."""
    names = set()
    for folder in ("boxmask", "models", "train"):
        for path in (ROOT / folder).rglob("__init__.py"):
            below = path.parent.relative_to(ROOT)
            if below.parts[:2] in (("boxmask", "models"), ("boxmask", "train")):
                continue
            names.add(".".join(below.parts if folder == "boxmask" else ("boxmask", *below.parts)))
    return names


def test_every_package_on_disk_is_listed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(settings["tool"]["setuptools"]["packages"]) == package_names()


def test_the_wheel_holds_boxmask_alone(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"boxmask"}
    for folder, prefix in (("boxmask", ""), ("models", "boxmask/"), ("train", "boxmask/")):
        for path in (ROOT / folder).rglob("*.py"):
            below = path.relative_to(ROOT)
            if below.parts[:2] not in (("boxmask", "models"), ("boxmask", "train")):
                assert prefix + below.as_posix() in names
    assert {"boxmask/py.typed", "boxmask/weights/zoom-tinyvit.safetensors"} <= names


def test_the_sdist_keeps_models_and_train_at_the_top(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        below = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"models/__init__.py", "train/__init__.py", "boxmask/cli/__init__.py"} <= below


def test_the_wheel_works_in_a_hostile_folder(built: Path, hostile: Path) -> None:
    site = hostile / "site"
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    assert str(site) in run("-c", PROBE, cwd=hostile, path=site)
    assert "annotate" in run("-m", "boxmask", "--help", cwd=hostile, path=site)


def test_what_is_installed_works_in_a_hostile_folder(hostile: Path) -> None:
    assert "boxmask" in run("-c", PROBE, cwd=hostile)
    assert "annotate" in run("-m", "boxmask", "--help", cwd=hostile)


def test_a_bare_checkout_works_from_its_root(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout")
    assert str(checkout) in run("-c", PROBE, cwd=checkout)
    assert "annotate" in run("-m", "boxmask", "--help", cwd=checkout)


def test_a_bare_checkout_works_from_a_hostile_folder(tmp_path: Path, hostile: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout")
    assert str(checkout) in run("-c", PROBE, cwd=hostile, path=checkout)


def test_help_does_not_import_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from boxmask.cli import app;"
        "assert CliRunner().invoke(app, ['annotate', '--help']).exit_code == 0;"
        "print(sorted({'torch', 'torchvision', 'timm'} & set(sys.modules)))"
    )
    assert run("-c", code, cwd=tmp_path).strip() == "[]"
