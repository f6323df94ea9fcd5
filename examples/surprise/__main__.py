"""Does a deeper mask head know classes whose masks it never saw? The paper's table, in small.

    python examples/surprise DATA --out FOLDER [--jobs 2]

DATA is a folder with two COCO files and their images. Every row of rows.py is trained on the masks
of the VOC classes and measured on the others, and the other way round, all on the same features of
a frozen backbone, the same boxes at each step and the same seeds. A run that is done is a line of
FOLDER/runs.jsonl and is not done again; FOLDER/table.md is the table of all that is.
"""

import argparse
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

import msgspec
from features import cached, collect, masked
from measuring import work
from report import Scores, finished, markdown
from rows import ROWS, Settings, runs

from boxmask.durable import replace_file
from boxmask.errors import BoxmaskError, RunError
from boxmask.evaluate.pool import Pool


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python examples/surprise")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--train", default="instances_train.json", help="file in DATA")
    parser.add_argument("--val", default="instances_val.json", help="file in DATA")
    parser.add_argument("--images", default="images", help="folder in DATA")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--jobs", type=int, default=2, help="processes, of one thread each")
    parser.add_argument("--report", action="store_true", help="train nothing, print the table")
    for name in ("backbone", "image_size", "view_size", "width", "steps", "batch", "boxes", "rate"):
        default = getattr(Settings, name)
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=type(default), default=default, help="(%(default)s)")
    return parser.parse_args()


def settings_of(given: argparse.Namespace) -> Settings:
    """Return the settings, and hold the folder to the ones it was begun with."""
    common = {name: value for name, value in vars(given).items() if hasattr(Settings, name)}
    files = {name: given.data / getattr(given, name) for name in ("train", "val", "images")}
    settings = Settings(**{**common, **files, "out": given.out})
    told = {name: str(value) for name, value in asdict(settings).items() if name != "out"}
    path = given.out / "settings.json"
    given.out.mkdir(parents=True, exist_ok=True)
    if path.exists() and msgspec.json.decode(path.read_bytes()) != told:
        raise RunError(f"{path}: begun with other settings; give those again, or another --out.")
    with replace_file(path) as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(told)))
    return settings


def prepare(rows: list[str], settings: Settings) -> None:
    """Make the features of every family before processes share them."""
    for config in {ROWS[row].family: ROWS[row].config(settings) for row in rows}.values():
        for split in ("train", "val"):
            cached(settings, config, collect(settings, split, seen="all"), split)


def main() -> None:
    """Do the runs that are missing, and print the table."""
    given = arguments()
    settings = settings_of(given)
    path = given.out / "runs.jsonl"
    done = finished(path)
    todo = [run for run in runs(given.rows) if run not in done]
    if todo and not given.report:
        prepare(given.rows, settings)
        with Pool(given.jobs) as pool:
            for line in pool.in_order(partial(work, settings=settings), todo):
                print(line, flush=True)
    collection = collect(settings, "val", seen="all")
    table = markdown(finished(path), Scores(collection, masked(collection)), settings)
    (given.out / "table.md").write_text(table + "\n", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    try:
        main()
    except BoxmaskError as error:
        sys.exit(f"error: {error}")
