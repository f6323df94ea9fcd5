"""Which mask head knows classes whose masks it never saw? All heads of the registry, one ranking.

    python examples/heads/rank.py DATA --out FOLDER [--jobs 2]

DATA is a folder with two COCO files and their images. Every row of contest.py learns from the masks
of the VOC classes and is measured on all, and the other way round: a view of each box, a backbone
that learns as well, the same start (teaching.py), the same views in the same order, the same steps
and seeds for all. Once every head is as wide as the others ("steps"), once as wide as makes it cost
what Hourglass-20 does ("cost"). A run that is done is a line of FOLDER/runs.jsonl and is not done
again. FOLDER/ranking.md and FOLDER/ranking.svg tell of all that is done: --report writes them
without doing more, --page puts them into a page and beside it.

Seeds come one after another, so that an early end leaves whole tables. --rows, --seeds and
--budgets do part.
"""

import argparse
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

import msgspec
from contest import BUDGETS, FLOORS, ROWS, Settings, runs
from ledger import finished, read_boxes
from picture import draw
from ranking import Standings
from tables import markdown
from teaching import register
from trial import work

from boxmask.durable import replace_file
from boxmask.errors import BoxmaskError, RunError
from boxmask.evaluate.pool import Pool

_BEGIN, _END = "<!-- ranking: examples/heads/rank.py -->", "<!-- end of ranking -->"
_NUMBERS = ("backbone", "view_size", "crop_size", "width", "start", "steps", "batch", "loosen")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python examples/heads/rank.py")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--train", default="instances_train.json", help="file in DATA")
    parser.add_argument("--val", default="instances_val.json", help="file in DATA")
    parser.add_argument("--images", default="images", help="folder in DATA")
    names = [*ROWS, *FLOORS]
    parser.add_argument("--rows", nargs="+", choices=names, default=names, metavar="ROW")
    parser.add_argument("--budgets", nargs="+", choices=BUDGETS, default=list(BUDGETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="processes, of one thread each")
    parser.add_argument("--report", action="store_true", help="train nothing, write the ranking")
    parser.add_argument("--page", type=Path, help="put the ranking into this page as well")
    for name in _NUMBERS:
        default = getattr(Settings, name)
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=type(default), default=default, help="(%(default)s)")
    return parser.parse_args()


def settings_of(given: argparse.Namespace) -> Settings:
    """Return the settings, and hold the folder to the ones it was begun with."""
    common = {name: getattr(given, name) for name in _NUMBERS}
    files = {name: given.data / getattr(given, name) for name in ("train", "val", "images")}
    settings = Settings(**common, **files, out=given.out)
    told = {name: str(value) for name, value in asdict(settings).items() if name != "out"}
    path = given.out / "settings.json"
    if path.exists() and msgspec.json.decode(path.read_bytes()) != told:
        raise RunError(f"{path}: begun with other settings; give those again, or another --out.")
    given.out.mkdir(parents=True, exist_ok=True)
    with replace_file(path) as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(told)))
    return settings


def report(settings: Settings, page: Path | None) -> str:
    """Write the ranking of all that is done, and return it."""
    boxes = read_boxes(settings.out)
    if boxes is None:
        raise RunError(f"{settings.out}: no run is done yet, so there is nothing to report.")
    ranked = Standings(finished(settings.out), boxes, settings).all()
    text = markdown(ranked, boxes=len(boxes.image), settings=settings)
    (settings.out / "ranking.md").write_text(text + "\n", encoding="utf-8")
    (settings.out / "ranking.svg").write_text(draw(ranked) + "\n", encoding="utf-8")
    if page is not None:
        fill(page, text)
        page.with_suffix(".svg").write_text(draw(ranked) + "\n", encoding="utf-8")
    return text


def fill(page: Path, text: str) -> None:
    """Put the tables between the two comments of a page."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise RunError(f"{page}: lacks the lines {_BEGIN} and {_END}, between which tables go.")
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def main() -> None:
    """Do the runs that are missing, and write the ranking."""
    given = arguments()
    register()
    settings = settings_of(given)
    failed = 0
    if not given.report:
        done = finished(settings.out)
        wanted = runs(given.rows, given.budgets, given.seeds, settings)
        todo = [run for run in wanted if run not in done]
        with Pool(min(given.jobs, max(1, len(todo)))) as pool:
            for number, line in enumerate(pool.in_order(partial(work, settings=settings), todo), 1):
                failed += line.failed
                print(f"{number}/{len(todo)} {line.text}", flush=True)
    print(report(settings, given.page))
    if failed:
        raise RunError(f"{failed} runs failed, see above; the same command tries them again.")


if __name__ == "__main__":
    try:
        main()
    except BoxmaskError as error:
        sys.exit(f"error: {error}")
