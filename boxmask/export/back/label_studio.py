"""Label Studio's tasks with masks: one prediction more in each, of brush masks or polygons.

Their control is the one that masks of the file have, that of the boxes if there are none, or the
one that the user names: the labelling config has to have a BrushLabels or PolygonLabels so called.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from boxmask.data.label_studio import tasks_of
from boxmask.data.raw.document import Document, is_null, open_document
from boxmask.data.raw.records import as_object
from boxmask.data.sources.brush import brush
from boxmask.data.sources.origin import Json
from boxmask.data.sources.results import OURS, labels_of, results_of
from boxmask.export import Exported, Finished
from boxmask.export.back import Edit, NewMask, NewMasks, spliced
from boxmask.export.files import replace_text
from boxmask.version import __version__


def names(finished: Finished) -> list[str]:
    """Return nothing: the place is the one file."""
    return []


def write(finished: Finished, place: Path) -> Exported:
    """Write the file."""
    document = open_document(finished.dataset.path)
    writer = _Writer(document, NewMasks(finished), finished.options.control)
    with replace_text(finished.ledger, place) as text:
        for piece in spliced(document.source.data, writer.edits()):
            text.write(piece)
    return Exported(1, writer.masks.notes())


class _Writer:
    """Makes the predictions of a file."""

    def __init__(self, document: Document, masks: NewMasks, control: str) -> None:
        self.document, self.masks = document, masks
        self.kind = "polygon" if masks.as_polygons else "brush"
        self.control = control or self._control_of_masks()

    def edits(self) -> Iterator[Edit]:
        """Yield the prediction of each task that has new masks, where it belongs."""
        for image, (task, results) in enumerate(self._tasks()):
            made, scores = list[Json](), list[float]()
            for result, mask in self.masks.of_image(image, results):
                made += self._results(result, mask)
                scores.append(mask.iou)
            if made:
                score = round(sum(scores) / len(scores), 4)
                version = f"{OURS} {__version__}"
                prediction = {"model_version": version, "score": score, "result": made}
                yield self._appended(task, msgspec.json.encode(prediction))

    def _tasks(self) -> Iterator[tuple[msgspec.Raw, list[Json]]]:
        for number, task in enumerate(tasks_of(self.document), 1):
            where = f"{self.document.path}: task {number}"
            fields = as_object(self.document.original(task), where)
            yield task, [result for _, _, result, _ in results_of(fields, where, number)]

    def _control_of_masks(self) -> str:
        """Return the control of the first mask of this kind in the file, "" without one."""
        kinds = (self.kind, f"{self.kind}labels")
        found = (one for _, results in self._tasks() for one in results if one.get("type") in kinds)
        return str(next(found, {}).get("from_name", ""))

    def _results(self, result: Json, mask: NewMask) -> Iterator[Json]:
        """Yield what a mask is in a prediction: a brush, or a polygon for each part."""
        labels = labels_of(result)
        type = f"{self.kind}labels" if labels else self.kind
        if not self.control:
            self.masks.counts["masks under the name of the boxes' control"] += 1
        for part, value in enumerate(self._values(mask), 1):
            yield {
                "id": f"{OURS}-{mask.row + 1}-{part}",
                "from_name": self.control or result.get("from_name", "label"),
                "to_name": result.get("to_name", "image"),
                "type": type,
                "original_width": mask.width,
                "original_height": mask.height,
                "image_rotation": result.get("image_rotation", 0),
                "score": mask.iou,
                "value": value | ({type: labels} if labels else {}),
            } | {key: result[key] for key in ("item_index",) if key in result}

    def _values(self, mask: NewMask) -> list[Json]:
        if not self.masks.as_polygons:
            return [{"format": "rle", "rle": brush(mask.whole())}]
        whole = np.array([mask.width, mask.height]) / 100
        rings = (np.reshape(ring, (-1, 2)) / whole for ring in self.masks.polygons(mask))
        return [{"points": ring.round(4).tolist(), "closed": True} for ring in rings]

    def _appended(self, task: msgspec.Raw, prediction: bytes) -> Edit:
        """Append a prediction to those of a task, which may have no list of them yet."""
        listed = msgspec.json.decode(task, type=dict[str, msgspec.Raw]).get("predictions")
        if listed is None:
            end = self.document.offset(task) + bytes(task).rindex(b"}")
            return Edit(end, end, b', "predictions": [%b]' % prediction)
        end = self.document.offset(listed) + len(listed)
        if is_null(listed):
            return Edit(end - len(listed), end, b"[%b]" % prediction)
        items = msgspec.json.decode(listed, type=list[msgspec.Raw])
        return Edit(end - 1, end - 1, (b", " if items else b"") + prediction)
