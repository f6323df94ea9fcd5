"""When a run has made so few masks that it is no success, and why that probably was."""

from collections.abc import Collection, Mapping, Sequence

from boxmask.faults import FAULTS, IMAGE_FAULTS
from boxmask.images.likely_cause import likely_cause
from boxmask.remote import Folder

FIRST_NAMES = 5  # of images that cannot be used: so many are looked for elsewhere


def explain_shortage(
    images: Folder, names: Sequence[str], reasons: Mapping[str, int], *, made: int, kept: int
) -> str:
    """Say that too few masks are made and why; "" if there are enough.

    Too few is: half of the boxes that want a mask, or more, have none for want of their images; or
    all of them have none. What the user has left out does not count. `names` are those of the
    first images that cannot be used.
    """
    unusable = sum(count for reason, count in reasons.items() if reason in IMAGE_FAULTS)
    defective = unusable + sum(
        count for reason, count in reasons.items() if reason in FAULTS and not FAULTS[reason].chosen
    )
    if unusable and unusable >= made:
        cause = likely_cause(images, names) or _about(images, names)
        return f"{_counted(reasons, unusable, made, IMAGE_FAULTS)} {cause}"
    if defective and not made and not kept:
        return f"{_counted(reasons, defective, made, FAULTS)} Is the format of the boxes right?"
    return ""


def _counted(reasons: Mapping[str, int], count: int, made: int, among: Collection[str]) -> str:
    """Say how many boxes have no mask, and for which reason most of them."""
    most = max((reason for reason in reasons if reason in among), key=lambda r: reasons[r])
    few = "no mask was made" if not made else f"only {made:,} of them have a mask"
    return f"{made + count:,} boxes want a mask and {few}: {most} ({reasons[most]:,})."


def _about(images: Folder, names: Sequence[str]) -> str:
    first = f", the first of them {names[0]}" if names else ""
    return f"Is {images} the folder in which the file names begin{first}?"
