"""Which synset of Visual Genome means which of COCO's 80 classes."""

from collections.abc import Mapping, Sequence

from boxmask.splits import NON_VOC, VOC

COCO_NAMES = tuple(name for _, name in sorted((VOC | NON_VOC).items()))
SUFFIX = ".coco"

# Classes whose synset is not spelled as their name.
SYNSET_OVERRIDES = {
    "cell phone": "cellular_telephone.n.01",
    "couch": "sofa.n.01",
    "dining table": "dinner_table.n.01",
    "donut": "doughnut.n.02",
    "fire hydrant": "water_faucet.n.01",
    "hair drier": "hand_blower.n.01",
    "handbag": "bag.n.04",
    "hot dog": "hotdog.n.01",
    "orange": "orange.n.01",
    "potted plant": "plant.n.01",
    "remote": "remote_control.n.01",
    "skis": "ski.n.01",
    "sports ball": "ball.n.01",
    "stop sign": "sign.n.02",
    "suitcase": "bag.n.06",
    "teddy bear": "teddy.n.01",
    "tv": "television.n.01",
    "wine glass": "wineglass.n.01",
}

_SENSE = len(".n.01")


def synset_of_class(counts: Mapping[str, int]) -> dict[str, str]:
    """Map each COCO class to its synset, the most frequent of those spelled like it."""
    by_spelling: dict[str, str] = {}
    for synset in sorted(counts, key=lambda synset: (-counts[synset], synset)):
        by_spelling.setdefault(synset[:-_SENSE].replace("_", " "), synset)
    found = {name: SYNSET_OVERRIDES.get(name) or by_spelling.get(name) for name in COCO_NAMES}
    return {name: synset for name, synset in found.items() if synset}


def coco_then_common(common: Sequence[str], counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return (category name, synset): COCO's 80 classes, then the other common synsets sorted.

    A class keeps its place even if no object has its synset, or if that is not a common one.
    """
    synsets = synset_of_class(counts)
    rest = sorted(set(common) - set(synsets.values()))
    first = [(name + SUFFIX, synsets.get(name, "")) for name in COCO_NAMES]
    return first + [(synset, synset) for synset in rest]
