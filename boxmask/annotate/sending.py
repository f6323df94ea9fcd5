"""Puts what a run has finished into a store: each object whole, where its name is free or ours.

What is there already, byte for byte, is not put again.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from boxmask.annotate.delivery import Delivery
from boxmask.annotate.events import UPLOAD, Event, OnEvent
from boxmask.annotate.exports import finished_job
from boxmask.annotate.job import AnnotateJob
from boxmask.annotate.places import read_by, refuse_taken
from boxmask.annotate.sent import Sent
from boxmask.annotate.work_folder import WorkFolder
from boxmask.dataset import BoxDataset
from boxmask.errors import RunError
from boxmask.export import EXPORTS, exporter, flag
from boxmask.ordered import map_ordered
from boxmask.ours import is_there, known_digest
from boxmask.remote import Url
from boxmask.store import StoreError, put, remove, require_writable, tag_of, tags_below


class _Object(NamedTuple):
    file: Path
    url: Url


@dataclass(frozen=True)
class _Place:
    """The objects of one option, those of an export in a folder below its URL."""

    option: str
    url: Url
    objects: list[_Object]
    is_folder: bool = False

    def tags(self) -> dict[str, str | None]:
        """Return the tag of each object that is there, by its URL."""
        if self.is_folder:
            return {f"{self.url}/{name}": tag for name, tag in tags_below(self.url).items()}
        return {one.url.text: tag_of(one.url) for one in self.objects}


def check_output_place(job: AnnotateJob) -> None:
    """Raise what would keep the output from being put into its store, before time is spent."""
    delivery = job.delivery
    if delivery is None:
        return
    for url in (delivery.out, *delivery.exports.values()):
        require_writable(url)
    if not job.fresh:
        _claim(job, _output(job, delivery))


def check_export_places(job: AnnotateJob, dataset: BoxDataset) -> None:
    """Raise what would keep exports from being put into a store, before hours are spent."""
    if job.delivery is None:
        return
    exports = _exports(job, job.delivery, dataset)
    places = (_output(job, job.delivery), *exports)
    written = {place.option: [one.url for one in place.objects] for place in places}
    refuse_taken(read_by(job, dataset), written)
    for place in exports if not job.fresh else ():
        _claim(job, place)


def give_places(job: AnnotateJob, dataset: BoxDataset) -> None:
    """Note that all objects in the places of a job may be replaced: the user has said --fresh."""
    if job.delivery is None:
        return
    sent = Sent(WorkFolder(job.out).sent)
    for place in (_output(job, job.delivery), *_exports(job, job.delivery, dataset)):
        with _explained(place.url, "Run the same command again."):
            tags = place.tags()
            for one in place.objects:
                sent.give(one.url, tags.get(one.url.text))


def send(job: AnnotateJob, dataset: BoxDataset | None, on_event: OnEvent) -> int:
    """Put all that is finished into its store; return how many objects were not there already.

    The dataset is needed where there are exports.
    """
    delivery = job.delivery
    if delivery is None:
        return 0
    sent, places = Sent(WorkFolder(job.out).sent), [_output(job, delivery)]
    if dataset is not None:
        places += _exports(job, delivery, dataset)
    finished = [[one for one in place.objects if is_there(one.file)] for place in places]
    total, done, new = sum(map(len, finished)), 0, 0
    on_event(Event(UPLOAD, 0, total))
    for place, objects in zip(places, finished, strict=True):
        with _explained(place.url, _go_on(job)), ThreadPoolExecutor(job.decoders) as pool:
            tags = place.tags()

            def send_one(one: _Object, tags: Mapping[str, str | None] = tags) -> bool:
                return _send(sent, one, tags.get(one.url.text))

            for is_new in map_ordered(pool, send_one, objects, depth=2 * job.decoders):
                done, new = done + 1, new + is_new
                on_event(Event(UPLOAD, done, total))
            _remove_stale(sent, objects, tags)
    return new


def _send(sent: Sent, one: _Object, tag: str | None) -> bool:
    """Put a file into its place, if it is not there already; tell whether it was put."""
    content = known_digest(one.file)
    if sent.identity(one.url, tag) == content:
        return False
    if tag is not None:
        tag = tag_of(one.url)  # as it is at this moment
    sent.claim(one.url, tag)
    sent.note("wrote", content, one.url.text)
    try:
        put(one.file, one.url, new=tag is None)
    except FileExistsError:  # its answer was lost, or somebody was faster
        if sent.identity(one.url, tag_of(one.url)) != content:
            raise RunError(
                f"{one.url}: something else has come to be there meanwhile, and is not replaced. "
                "Rename it to keep it, or give another place."
            ) from None
    sent.is_at(one.url, tag_of(one.url), content)
    return True


def _remove_stale(sent: Sent, objects: list[_Object], tags: Mapping[str, str | None]) -> None:
    """Remove what was put here by an earlier run, and would not be by this one."""
    present = {one.url.text for one in objects}
    for text, tag in tags.items():
        url, wrote = Url(text), sent.noted("wrote", text)
        if text not in present and tag is not None and sent.identity(url, tag) in wrote:
            remove(url)


def _output(job: AnnotateJob, delivery: Delivery) -> _Place:
    """The output, after its log: who waits for the output finds both."""
    log = _Object(WorkFolder(job.out).log, delivery.log)
    return _Place("--out", delivery.out, [log, _Object(job.out, delivery.out)])


def _exports(job: AnnotateJob, delivery: Delivery, dataset: BoxDataset) -> list[_Place]:
    finished, places = finished_job(job, dataset), []
    for name, url in delivery.exports.items():
        folder = job.exports[name]
        objects = [_Object(folder, url)]
        if EXPORTS[name].is_folder:
            names = exporter(name).names(finished)
            objects = [_Object(folder / each, url / each) for each in names]
        places.append(_Place(flag(name), url, objects, EXPORTS[name].is_folder))
    return places


def _claim(job: AnnotateJob, place: _Place) -> None:
    sent = Sent(WorkFolder(job.out).sent)
    with _explained(place.url, "Mend that and run the same command again."):
        tags = place.tags()
        for one in place.objects:
            sent.claim(one.url, tags.get(one.url.text))


@contextmanager
def _explained(url: Url, then: str) -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise RunError(f"{url}: the store does not do as it is asked: {error}. {then}") from error


def _go_on(job: AnnotateJob) -> str:
    return (
        f"All is finished in {job.out.parent}; when the store can be reached, run the same command "
        "again, which puts there what is not there yet."
    )
