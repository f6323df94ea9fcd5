"""The addresses below the token, each answered by the session in a thread of its own."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from boxmask.errors import BoxmaskError, RunError
from boxmask.faults import ImageFault
from boxmask.review.answers import Answers
from boxmask.review.clicks import Point
from boxmask.review.describe import Json
from boxmask.review.filters import Filter, number
from boxmask.review.guard import Refused
from boxmask.review.pictures import Pictures
from boxmask.review.posts import (
    ClientPost,
    CorrectPost,
    DrawPost,
    PredictPost,
    VerdictPost,
    posted,
)
from boxmask.review.predicting import Predicting, Question
from boxmask.review.session import Changed, Missing, Session

PAGE = Path(__file__).parent / "page"
MOST_ROWS = 500  # of one answer
LEAST_SIDE, MOST_SIDE = 16, 4096  # pixels of a picture
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}


def build_app(
    session: Session, pictures: Pictures, answers: Answers, predicting: Predicting
) -> Starlette:
    """Build the app that answers for a session."""
    api = _Api(session, pictures, answers, predicting)
    routes = [
        Route("/", api.index),
        Route("/page/{name}", api.page_file),
        Route("/api/summary", api.summary),
        Route("/api/instances", api.instances),
        Route("/api/histogram", api.histogram),
        Route("/api/image/{image:int}", api.image),
        Route("/api/changes", api.changes),
        Route("/api/audit", api.audit),
        Route("/image/{image:int}.jpg", api.whole),
        Route("/crop/{row}.jpg", api.crop),
        Route("/api/verdict", api.verdict, methods=["POST"]),
        Route("/api/predict", api.predict, methods=["POST"]),
        Route("/api/correct", api.correct, methods=["POST"]),
        Route("/api/draw", api.draw, methods=["POST"]),
        Route("/api/undo", api.undo, methods=["POST"]),
        Route("/api/redo", api.redo, methods=["POST"]),
    ]
    handlers: Any = {HTTPException: _no_such_address, Refused: _refuse, Exception: _fail}
    return Starlette(routes=routes, exception_handlers=handlers)


class _Api:
    def __init__(
        self, session: Session, pictures: Pictures, answers: Answers, predicting: Predicting
    ) -> None:
        self._predicting = predicting
        self._session = session
        self._pictures = pictures
        self._answers = answers

    async def index(self, request: Request) -> Response:
        return _file("index.html")

    async def page_file(self, request: Request) -> Response:
        return _file(request.path_params["name"])

    async def summary(self, request: Request) -> Response:
        return await _get(self._answers.summary)

    async def instances(self, request: Request) -> Response:
        def answer() -> Json:
            query = request.query_params
            offset, limit = _span(query, 60)
            return self._answers.page(Filter.of(query.multi_items()), offset, limit)

        return await _get(answer)

    async def histogram(self, request: Request) -> Response:
        query = request.query_params.multi_items()
        return await _get(lambda: self._answers.histogram(Filter.of(query)))

    async def image(self, request: Request) -> Response:
        def answer() -> Json:
            offset, limit = _span(request.query_params, MOST_ROWS)
            return self._answers.image(request.path_params["image"], offset, limit)

        return await _get(answer)

    async def changes(self, request: Request) -> Response:
        return await _get(lambda: self._answers.changes(_whole(request.query_params, "since", 0)))

    async def audit(self, request: Request) -> Response:
        return await _get(self._answers.audit)

    async def whole(self, request: Request) -> Response:
        def picture() -> bytes:
            side = _side(request.query_params, 1600)
            image = request.path_params["image"]
            self._session.check_image(image)
            return self._pictures.whole(image, side)

        return await _picture(picture)

    async def crop(self, request: Request) -> Response:
        def picture() -> bytes:
            side = _side(request.query_params, 320)
            instance = self._session.describe(_row(request.path_params["row"]))
            if instance is None or instance["image"] < 0:
                raise Missing("there is no image of this annotation.")
            return self._pictures.crop(instance["image"], instance["window"], side)

        return await _picture(picture)

    async def verdict(self, request: Request) -> Response:
        post = posted(await request.body(), VerdictPost)
        judge = self._session.judge
        return await _get(lambda: judge(post.row, post.verdict, post.hash, post.client))

    async def predict(self, request: Request) -> Response:
        post = posted(await request.body(), PredictPost)
        points = [Point(one.x, one.y, one.inside) for one in post.points]
        question = Question(post.image, post.box, points, post.row, post.base)
        return await _get(lambda: self._predicting.predict(question))

    async def correct(self, request: Request) -> Response:
        post = posted(await request.body(), CorrectPost)
        by = [post.by] if isinstance(post.by, str) else post.by
        values: Json = {"rle": post.rle, "box": post.box, "by": by}
        return await _get(lambda: self._session.correct(post.row, post.hash, post.client, **values))

    async def draw(self, request: Request) -> Response:
        post = posted(await request.body(), DrawPost)
        values: Json = {"rle": post.rle, "box": post.box, "category": post.category}
        return await _get(lambda: self._session.draw(post.image, post.client, **values))

    async def undo(self, request: Request) -> Response:
        post = posted(await request.body(), ClientPost)
        return await _get(lambda: self._session.undo(post.client))

    async def redo(self, request: Request) -> Response:
        post = posted(await request.body(), ClientPost)
        return await _get(lambda: self._session.redo(post.client))


async def _get(answer: Callable[[], Json | None]) -> Response:
    """Answer with JSON from another thread; errors of ours become a status and a sentence."""
    try:
        return _json(await run_in_threadpool(answer))
    except BoxmaskError as error:
        found: Json = {"error": str(error)}
        if isinstance(error, Changed):
            found["instance"] = error.instance
        return _json(found, _status(error))


async def _picture(picture: Callable[[], bytes]) -> Response:
    try:
        jpeg = await run_in_threadpool(picture)
    except BoxmaskError as error:
        return _json({"error": str(error)}, _status(error))
    headers = {"cache-control": "private, max-age=3600"}
    return Response(jpeg, media_type="image/jpeg", headers=headers)


def _status(error: BoxmaskError) -> int:
    """Return the status of an answer that is an error."""
    if isinstance(error, Changed):
        return 409
    if isinstance(error, Missing | ImageFault):
        return 404
    return 507 if isinstance(error, RunError) else 400


def _json(value: Json | None, status: int = 200) -> Response:
    # Python's json writes half surrogate pairs, which file names may hold, as escapes.
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    headers = {"cache-control": "no-store"}
    return Response(text, status, headers=headers, media_type="application/json")


def _file(name: str) -> Response:
    """Return a file of the page: one that lies in its folder itself, of a kind that is known."""
    kind = _KINDS.get(Path(name).suffix)
    if kind is None or name not in {path.name for path in PAGE.iterdir()}:
        raise Refused(404, "the page has no such file.")
    headers = {"cache-control": "no-cache"}
    return Response((PAGE / name).read_bytes(), headers=headers, media_type=kind)


def _span(query: QueryParams, usual: int) -> tuple[int, int]:
    """Read which part of a list is asked for: offset and limit."""
    limit = min(max(_whole(query, "limit", usual), 1), MOST_ROWS)
    return max(_whole(query, "offset", 0), 0), limit


def _side(query: QueryParams, usual: int) -> int:
    return min(max(_whole(query, "side", usual), LEAST_SIDE), MOST_SIDE)


def _whole(query: QueryParams, key: str, usual: int) -> int:
    value = number(query, key)
    return usual if value is None else int(value)


def _row(text: str) -> int | str:
    found = re.fullmatch(r"(new-)?[0-9]{1,18}", text)
    if found is None:
        raise Missing(f"there is no annotation {text[:40]!r}.")
    return text if found[1] else int(text)


async def _no_such_address(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _json({"error": "there is nothing here."}, status)


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _json({"error": str(error)}, error.status)


async def _fail(request: Request, error: Exception) -> Response:
    """Answer for a fault of ours; the terminal has all of it."""
    return _json({"error": f"boxmask has failed: {type(error).__name__}: {error}"}, 500)
