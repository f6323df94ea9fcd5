"""Writes a dataset as a review left it: the file's own bytes, but for what was judged.

Boxes are x, y, width, height in pixels.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from boxmask.data.raw.document import Document, open_document
from boxmask.data.raw.edits import Edit, appended, edited
from boxmask.data.raw.members import split_members
from boxmask.data.raw.records import slice_list
from boxmask.errors import ConfigError, InputError
from boxmask.export.files import replace_text
from boxmask.formats import BoxForm
from boxmask.ours import Ledger, is_plain
from boxmask.review.additions import Additions
from boxmask.review.changes import changed_record
from boxmask.review.instances import Instances
from boxmask.review.judgements import Judgements
from boxmask.review.reading import folder_instances, open_instances
from boxmask.review.verdicts import read_verdicts


@dataclass(frozen=True)
class Applied:
    """What was written, and what was not."""

    out: Path
    annotations: int  # in the file that was reviewed
    counts: dict[str, int]  # accepted, to fix, corrected, rejected, drawn
    stale: int = 0  # verdicts on masks that have changed since
    crowds: int = 0  # verdicts on crowds, which stay as they are
    without_mask: int = 0  # verdicts on what has no mask


def apply_verdicts(
    file: Path | None,
    images: Path,
    verdicts: Path,
    out: Path,
    *,
    bbox: BoxForm = "auto",
    fresh: bool = False,
) -> Applied:
    """Write to `out` what the verdicts make of a file, or of no file: only what was drawn.

    Rejected masks are removed, corrected ones put in their place, drawn ones appended; each says so
    in its mark. Everything else stays byte for byte.
    """
    ledger = _check_place(out, (file, verdicts), fresh=fresh)
    if not verdicts.exists():
        raise InputError(f"{verdicts}: no such verdicts file; review something first.")
    log = read_verdicts(verdicts)
    instances = (
        folder_instances(images) if file is None else open_instances(file, images, bbox=bbox)
    )
    judgements = Judgements.of(log.entries, instances)
    changes, counts = _changes(instances, judgements)
    added = Additions.of(instances, judgements)
    counts["drawn"] = len(added.records)
    if file is None:
        pieces = added.whole_file()
    else:
        document = open_document(file)
        pieces = edited(document, _edits(document, instances, judgements, changes, added))
    with replace_text(ledger, out) as text:
        for piece in pieces:
            text.write(piece)
    usual = ("accepted", "to fix", "corrected", "rejected", "drawn")
    return Applied(
        out,
        len(instances),
        {name: counts[name] for name in usual},
        judgements.stale,
        counts["crowd"],
        counts["without a mask"],
    )


def _check_place(out: Path, read: Sequence[Path | None], *, fresh: bool) -> Ledger:
    """Refuse a name that is taken, and return what knows which files are ours."""
    for other in read:
        if other is not None and other.exists() and out.exists() and out.samefile(other):
            raise ConfigError(f"--apply {out} is {other} itself; give the name of a new file.")
    if not is_plain(out) or not out.parent.is_dir():
        raise ConfigError(f"--apply {out}: give the name of a file in a folder that there is.")
    ledger = Ledger(out.with_name(f"{out.name}.review.jsonl"))
    ledger.claim(out, fresh=fresh)
    return ledger


def _changes(instances: Instances, judgements: Judgements) -> tuple[dict[int, bytes], Counter[str]]:
    """Return the rows whose records change, with the new ones, and count what became of all."""
    changes, counts = {}, Counter[str]()
    for row, judgement in judgements.by_row.items():
        if instances.dataset.is_crowd[row]:
            counts["crowd"] += judgement.verdict != "none"
            continue
        record, became = changed_record(instances, row, judgement)
        counts[became] += 1
        if record is not None:
            changes[row] = record
    return changes, counts


def _edits(
    document: Document,
    instances: Instances,
    judgements: Judgements,
    changes: dict[int, bytes],
    added: Additions,
) -> list[Edit]:
    """List what changes in the bytes of a file, in their order."""
    records = slice_list(document, "annotations")
    edits = [
        Edit(int(records.starts[row]), int(records.starts[row] + records.lengths[row]), record)
        for row, record in changes.items()
    ]
    edits += _sized_images(document, instances, judgements, added)
    edits += appended(document, "annotations", added.records)
    edits += appended(document, "categories", added.categories)
    return sorted(edits)


def _sized_images(
    document: Document, instances: Instances, judgements: Judgements, added: Additions
) -> Iterator[Edit]:
    """Say how large an image is that has a mask now, where the file did not say it."""
    dataset = instances.dataset
    corrected = [row for row, one in judgements.by_row.items() if one.correction is not None]
    touched = {int(dataset.image_index[row]) for row in corrected} | set(added.images)
    unsized = [i for i in touched if not (dataset.widths[i] and dataset.heights[i])]
    records = slice_list(document, "images") if unsized else None
    for image in unsized:
        assert records is not None
        width, height = instances.size(image)
        record: dict[str, object] = dict(split_members(records[image]))
        text = msgspec.json.encode(record | {"width": width, "height": height})
        start = int(records.starts[image])
        yield Edit(start, start + int(records.lengths[image]), text)
