"""Says what a file looks like when no reader takes it, and what would have been right."""

from boxmask.data.document import Document

_EXPECTED = (
    'Expected one of: COCO ("images" and "annotations" at the top level), Visual Genome '
    'objects.json (a list of images with "objects"), MegaDetector results ("images" with '
    '"detections"). Name the format to read it all the same.'
)


def describe(document: Document) -> str:
    """Return the message for a file of no known format."""
    return f"{document.path}: {_likely(document)} {_EXPECTED}"


def _likely(document: Document) -> str:
    keys = document.item_keys()
    if {"url", "width", "height"} <= keys:
        return (
            "this looks like Visual Genome's image_data.json, without boxes; give objects.json, "
            "with this file beside it."
        )
    if {"image_id", "category_id", "score"} <= keys:
        return (
            "this looks like a COCO results list, which has no images; give the annotations that "
            "it was made for."
        )
    if "images" in document.members:
        return f'there are "images" but no "annotations"; found: {document.listed()}.'
    if "annotations" in document.members:
        return f'there are "annotations" but no "images"; found: {document.listed()}.'
    return f"the format is not recognised; the top level is {document.listed()}."
