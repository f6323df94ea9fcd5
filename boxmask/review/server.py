"""Serves the page of a review on this machine only, until it is interrupted."""

import os
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from boxmask.errors import RunError
from boxmask.images.likely_cause import likely_cause
from boxmask.review.answers import Answers
from boxmask.review.api import build_app
from boxmask.review.describe import Json
from boxmask.review.guard import Guard
from boxmask.review.job import ReviewJob
from boxmask.review.loading import Loading
from boxmask.review.pictures import Pictures
from boxmask.review.predicting import Predicting
from boxmask.review.reading import folder_instances, open_instances
from boxmask.review.session import Session
from boxmask.review.verdicts import VerdictLog

LOOPBACK = "127.0.0.1"
_PROBED = 20  # images that are looked for before the page opens
_GRACE = 1  # seconds that answers under way get when the server ends


@dataclass(frozen=True)
class Opened:
    """A review whose page can be opened."""

    job: ReviewJob
    session: Session
    summary: Json
    address: str
    warnings: list[str]


def serve(job: ReviewJob, on_open: Callable[[Opened], None]) -> Session:
    """Serve a review until Ctrl-C; `on_open` is told when the page can be opened."""
    loading = Loading(job.weights)
    with _listening(job.port) as listener:
        if job.weights is not None:
            loading.network()  # a file that is no network is told of before a large one is read
        with _session(job) as session:
            answers = Answers(session)
            answers.prepare()
            pictures = Pictures(session.instances, follow_links=job.follow_links)
            predicting = Predicting(session, pictures, loading)
            app = build_app(session, pictures, answers, predicting)
            token, port = secrets.token_hex(16), listener.getsockname()[1]
            address = f"http://{LOOPBACK}:{port}/{token}/"
            with suppress(KeyboardInterrupt), loading.soon():  # the usual end of a review
                on_open(Opened(job, session, answers.summary(), address, _warnings(session)))
                if job.open_browser and has_screen():
                    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
                _run(guarded(app, token=token, port=port), listener)
        return session


def guarded(app: ASGIApp, *, token: str, port: int) -> ASGIApp:
    """Put the app of a review behind its guard."""
    return Guard(app, token=token, hosts=[f"{LOOPBACK}:{port}", f"localhost:{port}"])


def _run(app: ASGIApp, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_GRACE,
    )
    uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """Listen on loopback, before a large file is read: a port that is taken is told at once."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise RunError(
            f"port {port} cannot be used: {error.strerror}. Leave --port out for a free one."
        ) from error
    with listener:
        yield listener


@contextmanager
def _session(job: ReviewJob) -> Iterator[Session]:
    """Open the file and hold its verdicts."""
    if job.file is None:
        instances = folder_instances(job.images)
    else:
        instances = open_instances(job.file, job.images, bbox=job.bbox)
    name = instances.dataset.path.name
    log = VerdictLog.open(job.verdicts_file, file=name, annotations=len(instances))
    try:
        yield Session(instances, log)
    finally:
        log.close()


def _warnings(session: Session) -> list[str]:
    """Say what is likely wrong where the images are not in their folder."""
    dataset, images = session.instances.dataset, session.instances.images
    if not images.is_dir():
        return [f"{images}: no such folder; give the one that the file names begin in."]
    names = dataset.file_names[:: max(len(dataset.file_names) // _PROBED, 1)]
    cause = likely_cause(images, names)
    return [cause] if cause else []


def has_screen() -> bool:
    """Tell whether a browser can open a window; a browser for terminals would take ours."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
