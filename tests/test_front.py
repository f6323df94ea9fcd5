"""The front door: it costs nothing to open, and every example on it runs."""

import dataclasses
import doctest
import inspect
import re
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest
from front_files import ROOT, write_folder

import boxmask
from boxmask import front, options
from boxmask.annotate.job import AnnotateJob
from boxmask.cli.detect import OF_MASKS
from boxmask.data import ReadOptions
from boxmask.detect.job import detect_job
from boxmask.evaluate.job import EvaluateJob
from boxmask.export import EXPORTS, ExportOptions
from boxmask.subset import Subset

VERBS = ("annotate", "check", "detect", "evaluate", "train")
NAMES = [name for name in boxmask.__all__ if not name.startswith("_")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("front")
    write_folder(made)
    return made


def python(code: str) -> str:
    """Run code in a fresh interpreter; return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_costs_nothing() -> None:
    heavy = {"torch", "numpy", "PIL", "msgspec", "typer", "pycocotools"}
    assert python(f"import sys, boxmask; print({heavy!r} & set(sys.modules))") == "set()"


def test_evaluating_files_needs_no_torch() -> None:
    code = "import sys, boxmask; boxmask.evaluate; boxmask.read; print('torch' in sys.modules)"
    assert python(code) == "False"


def test_all_is_all() -> None:
    assert sorted(boxmask.__all__) == boxmask.__all__
    for name in boxmask.__all__:
        assert getattr(boxmask, name) is not None
    assert set(boxmask.__all__) <= set(dir(boxmask))
    told = set(boxmask._HOMES) | set(boxmask._VERBS) | {"__version__"}
    assert told == set(boxmask.__all__)
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        boxmask.lod  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("first", ["", "import boxmask.annotate.job, boxmask.train.recipe; "])
def test_a_verb_is_a_function_whoever_came_first(first: str) -> None:
    code = f"{first}import boxmask; print([callable(getattr(boxmask, n)) for n in {VERBS!r}])"
    assert python(code) == str([True] * len(VERBS))
    code = f"{first}import boxmask, boxmask.annotate.job as j; "
    code += "print(j.AnnotateJob.flip, boxmask.annotate)"
    assert python(code).startswith("False <module 'boxmask.annotate'")


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_shows_the_signature_and_words_of_its_function(name: str) -> None:
    verb, function = getattr(boxmask, name), getattr(front, name)
    assert inspect.signature(verb) == inspect.signature(function)
    assert verb.__doc__ == function.__doc__


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_typed(name: str) -> None:
    found = getattr(front if name in VERBS else boxmask, name)
    members = vars(found).values() if inspect.isclass(found) else [found]
    for member in (one.fget if isinstance(one, property) else one for one in members):
        if isinstance(member, FunctionType):
            signature = inspect.signature(member)
            hidden = member.__name__.startswith("_")
            assert hidden or signature.return_annotation is not signature.empty


@pytest.mark.parametrize("name", ["boxmask", *NAMES])
def test_every_example_runs(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = boxmask if name == "boxmask" else getattr(boxmask, name)
    examples = doctest.DocTestParser().get_doctest(
        found.__doc__ or "", {"boxmask": boxmask}, name, None, None
    )
    assert examples.examples, f"boxmask.{name} shows no example"
    said: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=said.append)
    assert not result.failed, "".join(said)


def test_the_python_of_the_readme_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("\n## Python\n")[2].partition("\n## ")[0]
    assert 0 < section.count("\n") <= 25
    blocks = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    assert blocks
    (folder / "masks.json").rename(folder / "kept.json")
    try:
        names: dict[str, object] = {}
        for block in blocks:
            exec(block, names)
    finally:
        (folder / "kept.json").replace(folder / "masks.json")


def test_the_options_are_the_fields_of_the_jobs() -> None:
    def fields(one: type) -> set[str]:
        return {field.name for field in dataclasses.fields(one)}

    named = {"boxes", "images", "out", "reading", "subset", "exports", "export_options", "delivery"}
    assert set(options.Reading.__annotations__) == fields(ReadOptions)
    exporting = EXPORTS.keys() | fields(ExportOptions)
    assert set(options.Exporting.__annotations__) == exporting
    both = fields(AnnotateJob) | fields(ReadOptions) | fields(Subset)
    assert set(options.Annotating.__annotations__) == (both - named) | exporting | {"state"}
    own = inspect.signature(detect_job).parameters.keys() - {"photos", "weights", "out"}
    of_masks = (own - {"annotating", "exports"}) | {*OF_MASKS} | exporting
    assert set(options.Detecting.__annotations__) == of_masks
    named = {"ground_truth", "predicted"}
    assert set(options.Evaluating.__annotations__) == fields(EvaluateJob) - named


def test_an_unknown_option_is_refused(folder: Path) -> None:
    with pytest.raises(TypeError, match="flop"):
        front.annotate(
            folder / "boxes.json",
            images=folder / "photos",
            out=folder / "x.json",
            flop=True,  # type: ignore[call-arg]
        )


def test_progress_is_told_and_a_page_written(folder: Path) -> None:
    told = []
    report = front.evaluate(
        str(folder / "masks.json"),
        baselines=["box"],
        against=[folder / "masks.json"],
        page=folder / "page.html",
        progress=lambda what, done, total: told.append((what, done, total)),
    )
    assert [one.name for one in report.systems] == ["masks.json", "box"]
    assert told
    assert "<html" in (folder / "page.html").read_text(encoding="utf-8")


def test_options_of_reading_reach_the_reader(folder: Path) -> None:
    with pytest.raises(boxmask.BoxmaskError, match="unknown format 'tfrecord'"):
        boxmask.annotate(
            folder / "boxes.json", images=folder, out=folder / "x.json", format="tfrecord"
        )
