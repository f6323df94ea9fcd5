"""What a run has skipped because of its images is tried again: a missing image may be there now.

Whole shards are made again, as a run that had all images from the start would make them: the last
bits of a mask depend on its batch.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from boxmask.annotate.parts import Part, pack, unpack
from boxmask.annotate.plan import Plan
from boxmask.annotate.work_folder import WorkFolder
from boxmask.annotate.workload import Workload
from boxmask.faults import IMAGE_FAULTS, ImageFault
from boxmask.ordered import map_ordered


def has_retriable_skips(plan: Plan) -> bool:
    """Tell whether the output of a plan has annotations that were skipped for their images."""
    return plan.tally is not None and any(reason in IMAGE_FAULTS for reason in plan.tally.reasons)


def output_can_be_completed(workload: Workload, work: WorkFolder) -> bool:
    """Tell whether an image that a finished output could not use can be used now."""
    return any(True for _ in changed_images(workload, images_in_log(workload, work)))


def images_in_log(workload: Workload, work: WorkFolder) -> dict[int, str]:
    """Return the images that a finished output could not use, each with the reason."""
    images = workload.dataset.image_index
    return _image_faults((int(images[row]), skip.reason) for row, skip in work.read_log())


def part_can_be_completed(workload: Workload, part: Part) -> bool:
    """Tell whether an image that the part of a shard could not use can be used now."""
    images = workload.dataset.image_index[part.rows["row"]]
    reasons = [part.reasons[code] for code in part.rows["reason"]]
    skipped = _image_faults(zip(images.tolist(), reasons, strict=True))
    return any(True for _ in changed_images(workload, skipped))


def changed_images(workload: Workload, skipped: Mapping[int, str]) -> Iterator[int]:
    """Yield those of the skipped images that can be used now, or cannot for another reason."""

    def reason_now(image: int) -> str:
        try:
            with workload.opened(image):
                pass
        except ImageFault as fault:
            return fault.reason
        return ""

    threads = workload.job.decoders
    with ThreadPoolExecutor(threads) as pool:
        now = map_ordered(pool, reason_now, skipped, depth=2 * threads)
        for (image, reason), found in zip(skipped.items(), now, strict=True):
            if found != reason:
                yield image


def keep_masks(before: Part | None, part: Part) -> Part:
    """Return a part made again, with its former masks where now the image cannot be used."""
    if before is None:
        return part
    masks = {outcome.row: outcome for outcome in unpack(before) if not outcome.reason}
    outcomes = [
        masks.get(outcome.row, outcome) if outcome.reason in IMAGE_FAULTS else outcome
        for outcome in unpack(part)
    ]
    return pack(outcomes, before.image_sizes | part.image_sizes)


def _image_faults(reasons: Iterable[tuple[int, str]]) -> dict[int, str]:
    return {image: reason for image, reason in reasons if reason in IMAGE_FAULTS}
