"""As much of Google's Cloud Storage as is asked for here, by HTTP: gs:// is truly run against it.

STORAGE_EMULATOR_HOST leads gcsfs to it.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

BUCKET = "bucket"


class StandIn:
    """A server with one bucket. Every so many requests for objects are answered: busy."""

    def __init__(self, busy_every: int = 0) -> None:
        self.objects: dict[str, bytes] = {}
        self.generations: dict[str, int] = {}
        self.busy_every, self.asked = busy_every, 0
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"store": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def put(self, name: str, content: bytes) -> None:
        """Put an object there."""
        self.objects[name] = content
        self.generations[name] = self.generations.get(name, 0) + 1

    def about(self, name: str) -> dict[str, Any]:
        """Describe an object as the API does."""
        generation, size = str(self.generations[name]), str(len(self.objects[name]))
        return {"name": name, "bucket": BUCKET, "generation": generation, "size": size}

    def is_busy(self) -> bool:
        """Count a request; tell whether it is one of those that are not answered."""
        with self.lock:
            self.asked += 1
            return bool(self.busy_every) and self.asked % self.busy_every == 0


class _Handler(BaseHTTPRequestHandler):
    store: StandIn

    def do_GET(self) -> None:
        """Answer with an object, what there is to say of it, a list, or the bucket."""
        place, query = self._asked()
        if self.store.is_busy():
            return self._say(503, {})
        if not place.startswith(f"b/{BUCKET}"):
            return self._say(404, {"error": {"message": "no such bucket"}})
        if place == f"b/{BUCKET}":
            return self._say(200, {"name": BUCKET})
        if place == f"b/{BUCKET}/o":
            prefix = query.get("prefix", "")
            found = [name for name in sorted(self.store.objects) if name.startswith(prefix)]
            return self._say(200, {"items": [self.store.about(name) for name in found]})
        name = unquote(place.removeprefix(f"b/{BUCKET}/o/"))
        if name not in self.store.objects:
            return self._say(404, {"error": {"message": "no such object"}})
        if query.get("alt") == "media":
            return self._send(200, self.store.objects[name])
        return self._say(200, self.store.about(name))

    def do_POST(self) -> None:
        """Take an object in a request of two parts: what it is called, and its content."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        query = self._asked()[1]
        if self.store.is_busy():
            return self._say(503, {})
        _, about, content = body.removesuffix(b"\n--==0==--").split(b"--==0==", 2)
        name = json.loads(about.partition(b"\n\n")[2])["name"]
        if query.get("ifGenerationMatch") == "0" and name in self.store.objects:
            return self._say(412, {"error": {"message": "conditionNotMet"}})
        self.store.put(name, content.partition(b"\n\n")[2])
        return self._say(200, self.store.about(name))

    def do_DELETE(self) -> None:
        """Remove an object."""
        name = unquote(self._asked()[0].removeprefix(f"b/{BUCKET}/o/"))
        self._say(204 if self.store.objects.pop(name, None) is not None else 404, {})

    def log_message(self, *_: object) -> None:
        """Be silent."""

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return parts.path.rpartition("storage/v1/")[2], query

    def _say(self, status: int, answer: dict[str, Any]) -> None:
        self._send(status, b"" if status == 204 else json.dumps(answer).encode())

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
