"""Say how long so many boxes would take on this machine: a dry run, scaled up.

    python examples/how_long.py boxes.json --images DIR [--boxes 100000] [OPTIONS OF annotate]

`boxmask annotate --dry-run` times the network, the decoding and the encoding on the first images of
the file. Give it a file of your own: the size of photographs and the number of boxes in each count.
"""

import argparse
import contextlib
import io
import json

from boxmask.cli import app


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file")
    parser.add_argument("--boxes", type=int, default=100_000)
    given, options = parser.parse_known_args()
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(out):
        dry_run = ["annotate", given.file, *options, "--out", "masks.json", "--dry-run", "--json"]
        app(dry_run, standalone_mode=False)
    out.seek(0)
    found = json.load(out)
    rate = found["boxes_per_second"]
    minutes = round(given.boxes / rate / 60)
    hours, rest = divmod(minutes, 60)
    print(
        f"{given.boxes:,} boxes: {hours} h {rest} min at {rate:.1f} boxes/s "
        f"on {found['device']} in {found['precision']}"
    )


if __name__ == "__main__":
    main()
