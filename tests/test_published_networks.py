"""Our networks answer as the authors' do: their code ran once (examples/oracle), which is kept.

The numbers of a network follow from the keys of its tensors, so a kept network is small: its keys,
its shapes, its objects, and what it answered.
"""

import sys
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from boxmask.errors import WeightsError
from boxmask.models import cut_views
from boxmask.published.checkpoint import Array, Checkpoint, Entry
from boxmask.published.convert import convert
from boxmask.published.families import Recognised, classes_of
from boxmask.published.objects import Objects, read_objects

sys.path.append(str(Path(__file__).parents[1] / "examples" / "oracle"))

from values import SIDE, boxes, image, value

RECORDED = Path(__file__).with_name("recorded")
CASES = sorted(path.stem for path in RECORDED.glob("*.npz"))
LIMIT = 1e-3  # of the spread of the logits


def entry(*shape: int) -> Entry:
    """A tensor of a shape, nowhere."""
    return Entry(1, shape, 0, 0, 0, 0, False)


class Kept(Checkpoint):
    """A checkpoint that is kept without its numbers."""

    def __init__(self, case: str) -> None:
        self.prefix = RECORDED / case
        self.kept = np.load(RECORDED / f"{case}.npz")
        shapes = msgspec.json.decode(self.kept["shapes"].tobytes(), type=dict[str, tuple[int, ...]])
        self.entries = {key: entry(*shape) for key, shape in shapes.items()}

    def tensor(self, key: str) -> Array:
        """Draw a tensor's numbers."""
        return value(key, self.entries[key].shape)

    @cached_property
    def objects(self) -> Objects:
        """The objects as TensorFlow wrote them."""
        return read_objects(self.kept["objects"].tobytes())


@pytest.mark.parametrize("case", CASES)
def test_logits_of_an_image_and_boxes_are_the_authors(case: str) -> None:
    checkpoint = Kept(case)
    recognised = Recognised(checkpoint)
    network = convert(recognised, replace(recognised.config, image_size=SIDE))
    theirs = torch.from_numpy(checkpoint.kept["logits"])
    views = cut_views(network.config, image(SIDE, SIDE), boxes(SIDE, SIDE)[: len(theirs)])
    with torch.no_grad():
        logits = network(views).logits
    every = logits.shape[-1] // theirs.shape[-1]
    difference = (logits[:, ::every, ::every] - theirs).abs().max()
    assert difference < LIMIT * float(checkpoint.kept["spread"])
    assert float(theirs.std()) > 0.1 * float(checkpoint.kept["spread"])


def test_boxes_that_are_found_are_the_authors(small: Kept) -> None:
    recognised = Recognised(small)
    network = convert(recognised, replace(recognised.config, image_size=SIDE))
    theirs = {key: torch.from_numpy(small.kept[key]) for key in ("found", "found_scores")}
    views = cut_views(network.config, image(SIDE, SIDE), np.array([[0.0, 0, SIDE, SIDE]]))
    with torch.no_grad():
        found = network.detect(views, torch.ones(1, 2))
    count = len(theirs["found"])
    assert count == 10 and found.labels[:count].tolist() == small.kept["found_classes"].tolist()
    torch.testing.assert_close(found.scores[:count], theirs["found_scores"], atol=1e-5, rtol=0)
    inside = found.boxes[:count].clamp(0, 1)[:, [1, 0, 3, 2]]
    torch.testing.assert_close(inside, theirs["found"], atol=1e-4, rtol=0)
    heights = theirs["found"][:, 2] - theirs["found"][:, 0]
    assert heights.min() > 0.001  # of which the sizes are seen


@pytest.fixture
def small() -> Kept:
    """A small Deep-MAC."""
    return Kept("mac-hg10-hourglass20")


def test_the_parts_are_told_by_their_names(small: Kept) -> None:
    recognised = Recognised(small)
    config = recognised.config
    assert recognised.family.title == "Deep-MAC"
    assert (config.backbone, config.head) == ("hourglass10", "hourglass20")
    assert (config.head_channels, config.embedding_channels) == (64, 256)
    assert (config.pixel_channels, config.instance_channels) == (16, 32)
    assert (config.detector, config.class_ids) == ("centernet", (1, 2, 3))


def key_of(small: Kept, end: str) -> str:
    """The only key with such an end."""
    (key,) = (key for key in small.entries if key.split("/.ATT")[0].endswith(end))
    return key


def test_a_tensor_that_is_left_over_is_named(small: Kept) -> None:
    small.entries = {
        **small.entries,
        "model/_mask_net/extra/kernel": entry(3),
    }
    recognised = Recognised(small)
    with pytest.raises(WeightsError, match=r"model/_mask_net/extra/kernel left over; the file is"):
        convert(recognised, recognised.config)


def test_a_tensor_that_is_missing_is_named(small: Kept) -> None:
    gone = key_of(small, "_mask_net/project_out/bias")
    small.entries = {key: one for key, one in small.entries.items() if key != gone}
    recognised = Recognised(small)
    wanted = r"Deep-MAC with hourglass10 and hourglass20 needs model\._mask_net\.project_out\.bias,"
    with pytest.raises(WeightsError, match=wanted):
        convert(recognised, recognised.config)


def test_a_tensor_of_another_shape_is_named(small: Kept) -> None:
    key = key_of(small, "_mask_net/_net/output_conv/0/norm/gamma")
    small.entries = {**small.entries, key: small.entries[key]._replace(shape=(127,))}
    recognised = Recognised(small)
    with pytest.raises(WeightsError, match=r"output_conv/0/norm/gamma\S+ has the shape \(127,\)"):
        convert(recognised, recognised.config)


def test_a_model_without_the_heads_that_find_boxes_only_masks(small: Kept) -> None:
    heads = small.objects.find("model._prediction_head_dict").children
    for name in ("object_center", "box/scale", "box/offset"):
        del heads[name]
    small.entries = {
        key: one
        for key, one in small.entries.items()
        if "/object_center/" not in key and "/box.S" not in key
    }
    recognised = Recognised(small)
    assert recognised.config.detector is None
    assert convert(recognised, recognised.config).detector is None


def test_ninety_classes_are_those_of_coco_by_id() -> None:
    named = classes_of(90)
    assert named["class_ids"] == tuple(range(1, 91))
    assert named["classes"][:2] == ("person", "bicycle") and named["classes"][89] == "toothbrush"
    assert len(set(named["classes"])) == 90 and named["classes"][11] == "class 12"


def test_what_is_for_training_is_left_out(small: Kept) -> None:
    further = ("optimizer/iter", "save_counter/x")
    small.entries = {**small.entries, **{key: entry() for key in further}}
    recognised = Recognised(small)
    assert convert(recognised, recognised.config).config == recognised.config


def test_kernels_of_one_row_are_the_middle_row(small: Kept) -> None:
    key = key_of(small, "PIXEL_EMBEDDING/0/layer_with_weights-0/kernel")
    height, *rest = small.entries[key].shape
    assert height == 3
    small.entries = {**small.entries, key: small.entries[key]._replace(shape=(1, *rest))}
    recognised = Recognised(small)
    kernel = convert(recognised, recognised.config).get_parameter(
        "branches.0.region.pixel.0.weight"
    )
    assert not kernel[:, :, ::2].any()
    assert np.array_equal(kernel[:, :, 1].detach(), small.tensor(key)[0].transpose(2, 1, 0))


def test_another_model_is_refused(small: Kept) -> None:
    small.__dict__["objects"] = Objects([])
    with pytest.raises(WeightsError, match="neither Deep-MAC nor Deep-MARC"):
        Recognised(small)
