"""`boxmask import`: the authors' published models as weights."""

from pathlib import Path
from typing import Annotated

import typer

from boxmask.cli.printing import AsJson, print_json, say


def import_published(
    checkpoint: Annotated[
        Path, typer.Argument(help="The archive as published, its folder, or a checkpoint's prefix.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Weights file to write.")],
    image_size: Annotated[
        int | None,
        typer.Option(help="Long side of images, in pixels; by default that of its settings."),
    ] = None,
    half: Annotated[
        bool, typer.Option("--half", help="Write matrices in half precision: half the file.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import a checkpoint of Deep-MAC or Deep-MARC that their authors published.

    Nothing is downloaded. The authors offer Deep-MAC on the page
    research/object_detection/g3doc/deepmac.md of github.com/tensorflow/models, and the configs of
    Deep-MARC in official/projects/deepmac_maskrcnn there. TensorFlow is not needed.
    """
    from boxmask.published.run import import_weights

    found = import_weights(checkpoint, out, image_size=image_size, half=half)
    config = found.config
    if as_json:
        print_json(
            {
                "out": str(out),
                "model": found.title,
                "backbone": config.backbone,
                "head": config.head,
                "image_size": config.image_size,
                "parameters": found.parameters,
            }
        )
        return
    say(
        f"{out}: {found.title}, {config.backbone} with {config.head}, "
        f"{found.parameters / 1e6:,.1f} M parameters, images of {config.image_size} pixels"
    )
    if config.detector is not None:
        classes = len(config.classes)
        say(f"it finds boxes of {classes} classes: boxmask detect PHOTOS --weights {out}")
    if not found.size_known:
        say("the checkpoint does not say how large its images are; --image-size does", err=True)
