"""What every request must pass before anything else sees it, and what every answer carries.

The server listens on loopback, but any page of any site that the same browser shows can send it
requests, and so can other users of the machine. Hence a random token in the address, the Host
header (against names that are bound to 127.0.0.1 later), and POST only of JSON, which a page of
another origin cannot send without being allowed to. It is never allowed to.
"""

import json
import secrets
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY = 16 << 20  # bytes of a request
_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_ADDED = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]


class Refused(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Guard:
    """Lets requests of the page itself through to an app, with the token taken off their path."""

    def __init__(self, app: ASGIApp, *, token: str, hosts: Iterable[str]) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = {host.encode() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        guarded = _with_headers(send)
        try:
            path = self._checked_path(scope)
            body = _Limited(receive)
            await self._app({**scope, "path": path, "raw_path": path.encode()}, body, guarded)
        except Refused as refused:
            await _answer(guarded, refused)

    def _checked_path(self, scope: Scope) -> str:
        """Return the path below the token; raise Refused for a request that is not the page's."""
        headers = dict(scope["headers"])
        if headers.get(b"host", b"").lower() not in self._hosts:
            raise Refused(403, "this address is not that of the review.")
        below = str(scope["path"]).removeprefix("/")
        token, slash, path = below.partition("/")
        if not secrets.compare_digest(token.encode("utf-8", "replace"), self._token):
            raise Refused(404, "there is nothing here.")
        if not slash:
            raise Refused(404, "the address ends with a slash.")
        if scope["method"] == "POST":
            self._check_post(headers)
        elif scope["method"] not in ("GET", "HEAD"):
            raise Refused(405, "only GET and POST are known here.")
        return "/" + path

    def _check_post(self, headers: dict[bytes, bytes]) -> None:
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind != b"application/json":
            raise Refused(415, "the content type must be application/json.")
        origin = headers.get(b"origin")
        if origin is not None and origin.removeprefix(b"http://").lower() not in self._hosts:
            raise Refused(403, "the request comes from another page.")
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MOST_BODY:
            raise Refused(413, f"the request is larger than {MOST_BODY >> 20} MB.")


class _Limited:
    """Receives a body up to a limit, also one that is sent without saying its length."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._got = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._got += len(message.get("body", b""))
        if self._got > MOST_BODY:
            raise Refused(413, f"the request is larger than {MOST_BODY >> 20} MB.")
        return message


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *_ADDED]}
        await send(message)

    return guarded


async def _answer(send: Send, refused: Refused) -> None:
    body = json.dumps({"error": str(refused)}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
