"""A review that is served by the command, in a process of its own, as a user starts it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

Json = dict[str, Any]


class Served:
    """`boxmask review FILE`, and questions to it."""

    def __init__(self, file: Path | None, images: Path, *options: str) -> None:
        self.file = file
        named = [] if file is None else [str(file)]
        command = [sys.executable, "-m", "boxmask", "review", *named, "--images", str(images)]
        self.process = subprocess.Popen(
            [*command, "--no-open", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.address = self._find_address()

    def _find_address(self) -> str:
        assert self.process.stdout is not None
        printed = ""
        for line in self.process.stdout:
            printed += line
            if found := re.search(r"http://127\.0\.0\.1:\d+/[0-9a-f]{32}/", line):
                return found[0]
        _, error = self.process.communicate()
        raise AssertionError(printed + error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def ask(self, path: str, body: object = None, **headers: str) -> tuple[int, bytes]:
        """Ask for a path below the token; with a body POST it as JSON."""
        data = None if body is None else json.dumps(body).encode()
        given = {"Content-Type": "application/json", **headers}
        request = Request(self.address + path, data, given)
        try:
            with urlopen(request, timeout=300) as answer:
                return answer.status, answer.read()
        except HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    def get(self, path: str) -> Json:
        """Return the JSON at a path."""
        status, body = self.ask(path)
        assert status == 200, body
        found: Json = json.loads(body)
        return found

    def post(self, path: str, **body: Any) -> Json:
        """Return the answer to a POST."""
        status, answer = self.ask(path, {"client": "c1", **body})
        assert status == 200, answer
        found: Json = json.loads(answer)
        return found

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.address).netloc
