"""The annotations that were drawn in a review, as records of the dataset that they join."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from boxmask.data.box_forms import from_xywh
from boxmask.data.ids import free_ids
from boxmask.data.raw.members import split_members
from boxmask.dataset import Id
from boxmask.errors import InputError
from boxmask.mark import Status
from boxmask.review.changes import REVIEWS, mask_values
from boxmask.review.instances import Instances
from boxmask.review.judgements import Drawn, Judgements


@dataclass(eq=False)
class Additions:
    """Records as JSON, and which images they are of."""

    instances: Instances
    records: list[bytes] = field(default_factory=list)
    categories: list[bytes] = field(default_factory=list)  # those that the dataset lacked
    images: dict[int, None] = field(default_factory=dict)  # places, in order

    @classmethod
    def of(cls, instances: Instances, judgements: Judgements) -> "Additions":
        """Turn what was drawn, and not rejected later, into records; ids are new ones."""
        added = cls(instances)
        dataset = instances.dataset
        places = {name: place for place, name in enumerate(dataset.file_names)}
        names: dict[str, Id] = {}
        for category in dataset.categories:
            names.setdefault(category.name, category.id)
        ids, category_ids = free_ids(dataset.annotation_ids), free_ids(list(names.values()))
        for drawn in judgements.drawn.values():
            if drawn.judgement.verdict == "reject":
                continue
            if drawn.image not in places:
                raise InputError(
                    f"{dataset.path}: {drawn.row} was drawn on {drawn.image!r}, which is not among "
                    "the images; apply the verdicts to the file that they are of."
                )
            if drawn.category not in names:
                names[drawn.category] = next(category_ids)
                added._add_category(names[drawn.category], drawn.category)
            added._add(drawn, places[drawn.image], next(ids), names[drawn.category])
        return added

    def _add_category(self, id: Id, name: str) -> None:
        mark = {} if self._alone else {"boxmask": {"status": Status.DRAWN}}
        self.categories.append(msgspec.json.encode({"id": id, "name": name} | mark))

    def _add(self, drawn: Drawn, image: int, id: Id, category: Id) -> None:
        values = mask_values(
            drawn.standing_rle, Status.DRAWN, REVIEWS.get(drawn.judgement.verdict, "")
        )
        mark = values["boxmask"]
        assert isinstance(mark, dict)
        self.images[image] = None
        form = self.instances.dataset.box_form
        record = {
            "id": id,
            "image_id": self._image_id(image),
            "category_id": category,
            "bbox": from_xywh(mark["box"], form, self.instances.size(image)),
            "iscrowd": 0,
        }
        if form:
            mark["bbox"] = form
        self.records.append(msgspec.json.encode(record | values))

    @property
    def _alone(self) -> bool:
        """Whether there is no dataset that they join."""
        return not self.instances.dataset.image_records

    def _image_id(self, image: int) -> object:
        records = self.instances.dataset.image_records
        return image + 1 if self._alone else split_members(records[image])["id"]

    def whole_file(self) -> Iterator[bytes]:
        """Yield a dataset of nothing but them."""
        images = [msgspec.json.encode(self._image(image)) for image in self.images]
        yield b'{"images": ' + _list(images)
        yield b',\n"categories": ' + _list(self.categories)
        yield b',\n"annotations": ' + _list(self.records) + b"}\n"

    def _image(self, image: int) -> dict[str, object]:
        width, height = self.instances.size(image)
        name = self.instances.dataset.file_names[image]
        return {"id": image + 1, "file_name": name, "width": width, "height": height}


def _list(items: Sequence[bytes]) -> bytes:
    return b"[\n" + b",\n".join(items) + b"\n]" if items else b"[]"
