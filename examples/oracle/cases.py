"""The official networks that are compared, and the images that they look at."""

from values import SIDE

# Heights and widths: as large as what the networks see; to be padded; to be reduced and enlarged.
IMAGES = {
    "square": (SIDE, SIDE),
    "wide": (SIDE * 5 // 8, SIDE),
    "large": (SIDE * 15 // 8, SIDE * 45 // 32),
    "small": (SIDE * 5 // 8, SIDE * 27 // 64),
}

_HOURGLASSES = ("hourglass10", "hourglass20", "hourglass32", "hourglass52", "hourglass100")
_HEADS = (
    *_HOURGLASSES,
    "hourglass20_uniform_size",
    "hourglass20_no_shortcut",
    "resnet4",
    "resnet8",
    "resnet12",
    "resnet16",
    "resnet20",
    "fully_connected",
)


def images_of(case: str) -> dict[str, tuple[int, int]]:
    """Return the images of a case: a head alone sees the same of all of them."""
    only_head = case.startswith("mac-hg10-") and case != "mac-hg10-hourglass20"
    return {name: size for name, size in IMAGES.items() if name == "square" or not only_head}


# Their backbone, their head.
DEEPMAC = {
    **{f"mac-hg10-{head}": ("hourglass_10", head) for head in _HEADS},
    **{f"mac-hg{depth}": (f"hourglass_{depth}", "hourglass10") for depth in (20, 32, 52)},
    "mac-hg104": ("hourglass_104", "hourglass100"),
}
DEEPMARC = {
    **{f"marc-r50-{head}": ("resnet-50", head) for head in ("default", "hourglass20")},
    "marc-r101-hourglass52": ("resnet-101", "hourglass52"),
    "marc-s49-hourglass20": ("spinenet-49", "hourglass20"),
    "marc-s49-hourglass100": ("spinenet-49", "hourglass100"),
    "marc-s96-hourglass20": ("spinenet-96", "hourglass20"),
    "marc-s143-hourglass52": ("spinenet-143", "hourglass52"),
}
