"""Kill `boxmask review` at random moments while verdicts arrive, and look whether one is lost.

    python examples/kill_review.py [--rounds 100] [--seed 0] [--ledger docs/promises.json]

Each round starts the server on the verdicts of those before, judges, undoes and corrects from three
tabs at once, and kills it (SIGKILL). Every verdict that was answered has to be in the file, as it
was answered, and the next server has to read what the last one left. Needs `boxmask[review]`; about
four seconds a round. Ends with status 1 at the first verdict that is missing.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from tried import Tally

from boxmask.review.verdicts import read_verdicts

BOXES = 100
TABS = 3
SIDE = 100  # of the image
LONGEST = 1.0  # seconds until a kill
MASK = {"size": [SIDE, SIDE], "counts": [120, 10, 90, 10, SIDE * SIDE - 230]}


def write_data(folder: Path) -> Path:
    """Write an image and a file with masks of it."""
    Image.new("RGB", (SIDE, SIDE)).save(folder / "a.png")
    boxes = [
        {"id": n, "image_id": 1, "category_id": 1, "bbox": [20, 1, 10, 2], "segmentation": MASK}
        for n in range(BOXES)
    ]
    image = {"id": 1, "file_name": "a.png", "width": SIDE, "height": SIDE}
    content = {"images": [image], "categories": [], "annotations": boxes}
    file = folder / "masks.json"
    file.write_text(json.dumps(content))
    return file


@dataclass
class Tab:
    """A client that judges until nobody answers, and remembers what was answered."""

    address: str
    name: str
    chance: random.Random
    answered: dict[int, tuple[object, str]] = field(default_factory=dict)  # by seq: row, verdict

    def run(self) -> None:
        """Judge, correct and undo until the server is gone."""
        try:
            connection = HTTPConnection(urlsplit(self.address).netloc, timeout=60)
            while True:
                self.act(connection)
        except (OSError, HTTPException, ValueError):  # ValueError: an answer that was cut short
            return

    def act(self, connection: HTTPConnection) -> None:
        """Do one thing with an instance as it stands now."""
        row = self.chance.randrange(BOXES)
        kind = self.chance.choice(["accept", "reject", "fix", "corrected", "undo"])
        if kind == "undo":
            answer = self.post(connection, "api/undo", {})
            if answer["undone"]:
                self.answered[answer["seq"]] = answer["undone"]["row"], "undo"
            return
        listed = f"api/instances?order=file&limit=1&offset={row}"
        hash = self.ask(connection, "GET", listed)["rows"][0]["hash"]
        path, body = "api/verdict", {"row": row, "hash": hash, "verdict": kind}
        if kind == "corrected":
            own = {"rle": MASK, "box": [20, 1, 10, 2], "by": ["brush"]}
            path, body = "api/correct", {"row": row, "hash": hash, **own}
        answer = self.post(connection, path, body)
        if "seq" in answer:  # else another tab was faster
            self.answered[answer["seq"]] = row, kind

    def post(self, connection: HTTPConnection, path: str, body: dict[str, Any]) -> Any:
        """Post as this tab."""
        return self.ask(connection, "POST", path, json.dumps(body | {"client": self.name}))

    def ask(self, connection: HTTPConnection, how: str, path: str, body: str | None = None) -> Any:
        """Return what the server answers."""
        kind = {"Content-Type": "application/json"}
        connection.request(how, urlsplit(self.address).path + path, body, kind)
        return json.loads(connection.getresponse().read())


def killed_round(file: Path, seed: int) -> dict[int, tuple[object, str]]:
    """Start the server, judge, kill it; return what was answered."""
    chance = random.Random(seed)
    command = [sys.executable, "-m", "boxmask", "review", str(file), "--images", str(file.parent)]
    with subprocess.Popen([*command, "--no-open"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        found = (re.search(r"http://\S+/", line) for line in server.stdout)
        address = next(one[0] for one in found if one)
        tabs = [Tab(address, f"tab-{k}", random.Random(seed * TABS + k)) for k in range(TABS)]
        threads = [threading.Thread(target=tab.run) for tab in tabs]
        for thread in threads:
            thread.start()
        time.sleep(chance.uniform(0, LONGEST))
        server.kill()
        for thread in threads:
            thread.join()
    return {seq: one for tab in tabs for seq, one in tab.answered.items()}


def main() -> None:
    """Kill and look, again and again."""
    parser = argparse.ArgumentParser(description="Kill boxmask review while verdicts arrive.")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ledger", type=Path, help="a file in which to count on")
    given = parser.parse_args()
    tally = Tally("kill_review.py", given.ledger)
    answered: dict[int, tuple[object, str]] = {}
    torn = 0
    with tempfile.TemporaryDirectory() as folder:
        file = write_data(Path(folder))
        for number in range(given.rounds):
            judged = killed_round(file, given.seed * 10_000 + number)
            answered |= judged
            log = read_verdicts(file.with_name(f"{file.name}.verdicts.jsonl"))
            kept = {entry.seq: (entry.row, entry.verdict) for entry in log.entries}
            torn += log.torn > 0
            lost = {seq: one for seq, one in answered.items() if kept.get(seq) != one}
            if lost:
                sys.exit(f"round {number}: {len(lost)} were answered and are lost: {lost}")
            tally.add(kills=1, verdicts=len(judged))
    print(tally.line())
    print(f"{len(kept) - len(answered):,} more were written and not answered; torn lines: {torn}")


if __name__ == "__main__":
    main()
