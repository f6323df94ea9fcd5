"""What the list of commands says of each, and the examples at the end of each one's help."""

from typing import NamedTuple


class Help(NamedTuple):
    """How a command is introduced."""

    summary: str  # in the list of commands, within 60 characters
    examples: tuple[str, ...]

    @property
    def epilog(self) -> str:
        """The examples as lines that are not wrapped."""
        return "\n".join(("\b", "Examples:", *(f"  {line}" for line in self.examples)))


HELP = {
    "boxmask": Help(
        "Turn the boxes of a dataset into instance masks.",
        (
            "boxmask annotate boxes.json --images photos -o masks.json --dry-run",
            "boxmask annotate boxes.json --images photos -o masks.json",
            "boxmask check boxes.json masks.json",
            "boxmask show masks.json --images photos --worst 20",
        ),
    ),
    "annotate": Help(
        "Give every box a mask, and the IoU to expect of it.",
        (
            "boxmask annotate boxes.json --images photos -o masks.json",
            "boxmask annotate boxes.json --images photos -o try.json --limit 100",
            "boxmask annotate boxes.json --images photos -o dogs.json --category dog",
            "boxmask annotate labels --images photos -o masks.json --yolo yolo",
        ),
    ),
    "detect": Help(
        "Find boxes by a trained detector, and mask them.",
        (
            "boxmask detect photos --weights run/last.safetensors -o found.json",
            "boxmask detect photos --weights my.safetensors -o all.json --complete a.json",
        ),
    ),
    "check": Help(
        "Prove that no annotation was lost or changed.",
        (
            "boxmask check boxes.json masks.json",
            "boxmask check boxes.json dogs.json --category dog",
        ),
    ),
    "show": Help(
        "Draw masks over their images.",
        (
            "boxmask show masks.json --images photos",
            "boxmask show masks.json --images photos --worst 20 -o worst.jpg",
        ),
    ),
    "review": Help(
        "Judge and correct the worst masks; audit.",
        (
            "boxmask review masks.json --images photos",
            "boxmask review masks.json --images photos --static worst --worst 200",
            "boxmask review masks.json --images photos --audit 200",
            "boxmask review masks.json --images photos --apply reviewed.json",
        ),
    ),
    "eval": Help(
        "Score masks against the true ones.",
        (
            "boxmask eval truth.json masks.json",
            "boxmask eval truth.json --weights bundled --images photos --baseline box",
        ),
    ),
    "train": Help(
        "Learn masks from annotated photographs.",
        (
            "boxmask train truth.json --images photos --out run",
            "boxmask train truth.json --images photos --out run --resume",
        ),
    ),
    "models": Help(
        "List the networks, and the weights at hand.",
        ("boxmask models",),
    ),
    "import": Help(
        "Take over the authors' Deep-MAC and Deep-MARC.",
        (
            "boxmask import deepmac_1024x1024_coco17.tar.gz -o deepmac.safetensors",
            "boxmask annotate boxes.json --images photos --weights deepmac.safetensors",
        ),
    ),
}
