"""From a step's number to its batch: which boxes, composed how, and what to learn from them.

Everything is a function of the recipe, the collection and the number of the part, so any process
can make any batch, in any order, and a resumed run sees what it would have seen.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from boxmask.errors import ConfigError, InputError
from boxmask.models.config import MAX_WINDOW_CONTEXT, ModelConfig, with_view_size
from boxmask.models.cuts import context_of, mask_frames
from boxmask.models.views import Views, cut_views
from boxmask.train.data.batch import Batch, IoUSamples
from boxmask.train.data.classes import class_numbers
from boxmask.train.data.collection import Collection, Table
from boxmask.train.data.colour import random_factor
from boxmask.train.data.compose import box_scene, image_scene
from boxmask.train.data.jitter import clip_box, draw_proposal, jitter_box, loosen_box
from boxmask.train.data.sampler import Sampler, balancing_weights
from boxmask.train.data.scene import Instance, Scene, as_neighbours
from boxmask.train.data.targets import Span, iou_samples, mask_target
from boxmask.train.data.truth import views_with_truth
from boxmask.train.recipe import Augment, TrainConfig

Random = np.random.Generator

_FAR_OFF = 3  # times its error: how much longer a loose side may become, nearly always
_ATTEMPTS = 50  # images in a row that cannot be used, until the data is given up


class BatchDataset(Dataset[Batch]):
    """The batches of a run by number; a step has `parts` of them, one for each process in turn."""

    def __init__(self, collection: Collection, config: TrainConfig, *, parts: int) -> None:
        self.collection = collection
        self.config = config
        self.parts = parts  # of a step
        self.size = config.batch // parts  # boxes or images in a part
        table = collection.table
        detects = config.model.detector is not None
        # A detector learns from every box, masks from those that are supervised.
        learnt = np.ones_like(table.supervised) if detects else table.supervised
        classes = config.model.classes
        self.numbers = class_numbers(classes, collection.sources) if detects else None
        weights = _item_weights(table, learnt, config)
        if config.model.view_per_box:
            self.groups = [np.array([item]) for item in np.flatnonzero(table.supervised)]
            weights = weights[table.supervised]
        else:
            self.groups = _by_image(table, learnt, all_boxes=config.unseen_boxes)
            weights = np.array([weights[group].mean() for group in self.groups])
        self.sampler = Sampler(weights, seed=config.seed)

    def __getitem__(self, part: int) -> Batch:
        """Make one part of a step; parts are counted over all steps."""
        first, model = part * self.size, self.model_of(part)
        places = range(first, first + self.size)
        return Batch.join([self.example(place, model) for place in places])

    def model_of(self, part: int) -> ModelConfig:
        """Return the model, with the size of view that a part's step is to have."""
        model, sizes = self.config.model, self.config.view_sizes
        if not sizes:
            return model
        # One for all parts of a step: its processes wait for each other.
        side = int(np.random.default_rng((self.config.seed, part // self.parts)).choice(sizes))
        return with_view_size(model, side)

    def example(self, position: int, model: ModelConfig) -> Batch:
        """Make what one drawn image or box adds to a batch; another is drawn for a broken one."""
        draw = self.sampler.draw(position)
        random = np.random.default_rng((self.config.seed, draw.epoch, draw.place))
        chance = self.sampler.weights / self.sampler.weights.sum()
        left_out: list[str] = []
        item = draw.item
        while len(left_out) < _ATTEMPTS:
            try:
                batch = self._example(self.groups[item], model, random)
            except InputError as error:
                left_out.append(str(error))
                item = int(random.choice(len(chance), p=chance))
            else:
                return replace(batch, left_out=tuple(left_out))
        raise InputError(
            f"{_ATTEMPTS} images drawn one after another could not be used, the last because of "
            f"{left_out[-1]}. Check --images; `boxmask check` lists what is wrong."
        )

    def _example(self, items: npt.NDArray[np.int64], model: ModelConfig, random: Random) -> Batch:
        augment = self.config.augment
        if model.view_per_box:
            context = max(1.0, model.context * random_factor(random, augment.context))
            if model.window_masks:
                context = min(context, MAX_WINDOW_CONTEXT)
            model = replace(model, context=context)
            tightness = _draw_tightness(augment, random) if model.window_masks else 0.0
            scene = box_scene(
                self.collection,
                int(items[0]),
                model=model,
                config=augment,
                random=random,
                context=_scene_context(model, tightness),
            )
            if model.window_masks:
                return self._window_batch(scene, model, tightness, random)
        else:
            if self.numbers is None and len(items) > self.config.max_boxes:
                items = random.choice(items, self.config.max_boxes, replace=False)
            scene = image_scene(self.collection, items, config=augment, random=random)
        return self._batch(scene, model, random)

    def _batch(self, scene: Scene, model: ModelConfig, random: Random) -> Batch:
        """Ask for the masks of all instances of a scene."""
        if self.numbers is not None:
            return self._detecting_batch(scene, model, random)
        instances = [_noisy_box(one, self.config, random) for one in scene.instances]
        views = cut_views(model, scene.image, _boxes_of(instances))
        return self._answered(scene, instances, views, model, None)

    def _detecting_batch(self, scene: Scene, model: ModelConfig, random: Random) -> Batch:
        """Ask for the masks of some instances of a scene, and say where all are to be found."""
        asked = self._asked(scene.instances, random)
        if model.by_class:
            asked = [one for one in asked if one.label >= 0]
        instances = [_noisy_box(one, self.config, random) for one in asked]
        found = [one for one in scene.instances if one.label >= 0]
        views, truth = views_with_truth(
            *(model, scene.image, _boxes_of(instances)),
            found=_boxes_of(found),
            labels=self._class_numbers(found),
        )
        if model.by_class:
            views = replace(views, labels=torch.from_numpy(self._class_numbers(instances)))
        if self.config.boxes == "proposals":
            places = {id(one): place for place, one in enumerate(asked)}
            truth = replace(truth, asked=torch.tensor([places.get(id(one), -1) for one in found]))
        return replace(self._answered(scene, instances, views, model, None), truth=truth)

    def _class_numbers(self, instances: Sequence[Instance]) -> npt.NDArray[np.int64]:
        """Return the places (n,) of instances among the detector's classes."""
        assert self.numbers is not None
        return self.numbers[np.array([one.label for one in instances], dtype=np.int64)]

    def _asked(self, instances: Sequence[Instance], random: Random) -> list[Instance]:
        """Choose whose masks are asked for, of all those that a detector is to find."""
        asked = [one for one in instances if one.mask is not None or self.config.unseen_boxes]
        if len(asked) <= self.config.max_boxes:
            return asked
        chosen = random.choice(len(asked), self.config.max_boxes, replace=False)
        return [asked[place] for place in chosen]

    def _window_batch(
        self, scene: Scene, model: ModelConfig, tightness: float, random: Random
    ) -> Batch:
        """Ask for the scene's one instance by a box as loose as the network is told."""
        (asked,) = scene.instances
        height, width = scene.image.shape[:2]
        whole = np.array([0, 0, width, height], dtype=np.float64)
        box = asked.box
        told = random.random() < self.config.augment.neighbours
        around = list(scene.neighbours) if told else []
        if tightness:
            moved = clip_box(loosen_box(box, tightness, random), whole)
            box = box if moved is None else moved
            around = [replace(one, box=loosen_box(one.box, tightness, random)) for one in around]
        neighbours = [as_neighbours(asked, around)]
        views = cut_views(model, scene.image, box[None], tightness=tightness, neighbours=neighbours)
        frame = mask_frames(model, box[None], tightness=tightness)[0]
        span = Span(frame, frame if tightness else box)
        return self._answered(scene, [asked], views, model, span)

    def _answered(
        self,
        scene: Scene,
        instances: list[Instance],
        views: Views,
        model: ModelConfig,
        span: Span | None,
    ) -> Batch:
        """Put views and what they should be answered with into a batch."""
        side, max_pixels = model.mask_size, self.config.truth_side
        targets = [mask_target(scene, one, side=side, span=span) for one in instances]
        samples = [
            iou_samples(scene, one, side=side, max_pixels=max_pixels, span=span)
            for one in instances
        ]
        return Batch(
            views,
            torch.from_numpy(np.array(targets, dtype=np.float32).reshape(-1, side, side)),
            torch.tensor([float(one.mask is not None) for one in instances]),
            IoUSamples.join([IoUSamples.empty(max_pixels), *samples]),
            tuple(one.name for one in instances),
        )


def _scene_context(model: ModelConfig, tightness: float) -> float:
    """Return the context that a scene needs, so that the view of a loose box is filled by it: the
    box may be longer and lie beside the true one."""
    longer = 1 + _FAR_OFF * tightness
    return context_of(model, tightness) * longer + 2 * tightness


def _draw_tightness(augment: Augment, random: Random) -> float:
    """Draw how loose a box is to be, and told to be: 0 for an exact one."""
    if random.random() >= augment.loose:
        return 0.0
    return float(random.uniform(0, augment.loosest))


def _item_weights(
    table: Table, learnt: npt.NDArray[np.bool_], config: TrainConfig
) -> npt.NDArray[np.float64]:
    """Weigh each box (N,) by its class and its source; what cannot be learnt weighs nothing."""
    weights = learnt * balancing_weights(table.category, power=config.balance)
    weights *= balancing_weights(table.source, power=config.source_balance)
    if config.source_weights:
        sources = int(table.source.max()) + 1
        if len(config.source_weights) != sources:
            raise ConfigError(
                f"source_weights has {len(config.source_weights)} numbers for {sources} "
                "annotation files; give one for each, in their order."
            )
        weights *= np.array(config.source_weights)[table.source]
    return weights


def _by_image(
    table: Table, learnt: npt.NDArray[np.bool_], *, all_boxes: bool
) -> list[npt.NDArray[np.int64]]:
    """Group the boxes of each image that has something to learn: those, or all that it has."""
    items = np.arange(len(table.image)) if all_boxes else np.flatnonzero(learnt)
    order = items[np.argsort(table.image[items], kind="stable")]
    cuts = np.flatnonzero(np.diff(table.image[order])) + 1
    return [group for group in np.split(order, cuts) if learnt[group].any()]


def _boxes_of(instances: Sequence[Instance]) -> npt.NDArray[np.float64]:
    """Return the boxes (n, 4) of instances."""
    return np.array([one.box for one in instances], np.float64).reshape(-1, 4)


def _noisy_box(instance: Instance, config: TrainConfig, random: Random) -> Instance:
    """Move the sides of a box, or draw it around the truth, as the recipe says."""
    box = instance.box
    if config.boxes == "gt+noisy" and random.random() < 0.5:
        box = draw_proposal(box, config.noisy_iou, random)
    if config.augment.box_jitter:
        box = jitter_box(box, config.augment.box_jitter, config.augment.box_jitter_mode, random)
    return replace(instance, box=box)
