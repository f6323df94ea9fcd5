"""The model card: what a user of the weights must know, as JSON in them and as a page beside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from boxmask.train.data.collection import Collection
from boxmask.train.data.sources import Source
from boxmask.version import __version__

Card = dict[str, Any]

_FIGURES = {
    "miou_overall": "mIoU, all classes (class mean)",
    "miou_seen": "mIoU, seen classes",
    "miou_unseen": "mIoU, unseen classes",
    "instance_iou": "mean IoU of instances",
    "quality_rank": "rank correlation of expected and true IoU",
    "quality_error": "calibration error of expected IoU",
}


class _Image(msgspec.Struct):
    license: int | str | None = None


class _Licence(msgspec.Struct):
    id: int | str | None = None
    name: str = ""
    url: str = ""


@dataclass(frozen=True)
class Provenance:
    """Where a network comes from: its data, its classes, the command."""

    command: str
    data: tuple[dict[str, Any], ...]
    validation: tuple[dict[str, Any], ...]
    recipe: dict[str, Any]


def describe_sources(
    collection: Collection, *, boxes_teach: bool = False
) -> tuple[dict[str, Any], ...]:
    """Describe each source of a collection: counts, classes, licences.

    Images count if there is something to learn in them: a mask, or with a detector any box.
    """
    table = collection.table
    teaches = table.supervised | boxes_teach
    return tuple(
        {
            "file": "/".join(source.dataset.path.absolute().parts[-2:]),
            "images": len(np.unique(table.image[teaches & (table.source == number)])),
            "boxes": int((table.source == number).sum()),
            "masks": int((table.supervised & (table.source == number)).sum()),
            "seen": list(source.class_names(seen=True)),
            "unseen": list(source.class_names(seen=False)),
            "licences": licences(source),
        }
        for number, source in enumerate(collection.sources)
    )


def licences(source: Source) -> list[str]:
    """Name the licences that the images of a COCO file state."""
    if source.dataset.format != "coco":
        return []

    members = source.dataset.members
    try:
        images = msgspec.json.decode(members.get("images", b"[]"), type=list[_Image])
        stated = msgspec.json.decode(members.get("licenses", b"[]"), type=list[_Licence])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    used = {image.license for image in images} - {None}
    return sorted({one.name or one.url for one in stated if one.id in used})


def opening_report(provenance: Provenance, *, step: int) -> dict[str, Any]:
    """Count what a run learns from, for whoever watches it begin; boxes teach a detector alone."""
    detects = provenance.recipe["model"]["detector"] is not None
    data = provenance.data
    seen, unseen = ({name for one in data for name in one[kind]} for kind in ("seen", "unseen"))
    return {
        "step": step,
        "images": sum(one["images"] for one in data),
        "boxes": sum(one["boxes"] for one in data) if detects else 0,
        "masks": sum(one["masks"] for one in data),
        "seen_classes": len(seen),
        "unseen_classes": len(unseen - seen),
        "measured_images": sum(one["images"] for one in provenance.validation),
    }


def card(provenance: Provenance, *, step: int, scores: dict[str, float], left_out: int = 0) -> Card:
    """Put a card together."""
    return {
        "boxmask": __version__,
        "command": provenance.command,
        "step": step,
        "scores": scores,
        "data": list(provenance.data),
        "validation": list(provenance.validation),
        "left_out": left_out,
        "recipe": provenance.recipe,
    }


def card_text(content: Card) -> str:
    """Write a card as a page of Markdown."""
    lines = [
        "# Model card",
        "",
        f"Class-agnostic masks for boxes, trained by boxmask {content['boxmask']} "
        f"for {content['step']} steps.",
        "",
        f"    {content['command']}",
        "",
        "## Scores on true boxes",
        "",
        *_scores(content["scores"]),
        "",
        "## Data",
        "",
        *_sources("learnt from", content["data"]),
        *_classes(content["data"]),
        *_sources("measured on", content["validation"]),
        *_left_out(content["left_out"]),
    ]
    return "\n".join(lines) + "\n"


def _scores(scores: dict[str, float]) -> list[str]:
    if not scores:
        return ["Not measured: without validation data, or before the first time."]
    lines = ["| figure | value | 95 % interval |", "|---|---|---|"]
    for name, words in _FIGURES.items():
        if name in scores:
            low, high = scores.get(f"{name}_low"), scores.get(f"{name}_high")
            between = "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
            lines.append(f"| {words} | {scores[name]:.3f} | {between} |")
    return lines


def _sources(what: str, sources: Sequence[dict[str, Any]]) -> list[str]:
    lines = []
    for one in sources:
        stated = ", ".join(one["licences"]) or "none stated in the file"
        lines.append(
            f"- {what} `{one['file']}`: {one['images']} images, {one['boxes']} boxes, "
            f"{one['masks']} masks. Licences of the images: {stated}."
        )
    return lines


def _classes(sources: Sequence[dict[str, Any]]) -> list[str]:
    lines = []
    for kind in ("seen", "unseen"):
        names = sorted({name for one in sources for name in one[kind]})
        lines += [f"- {kind} classes ({len(names)}): {', '.join(names) or 'none'}"]
    return lines


def _left_out(count: int) -> list[str]:
    if not count:
        return []
    return [f"- could not be read and was left out: {count} images or masks, see log.jsonl"]
