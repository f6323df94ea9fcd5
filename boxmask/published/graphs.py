"""Models that Keras builds as graphs: their layers by the names that they were made with.

In the paths of names they are `layer_with_weights-N`, counted in an order that the whole graph
decides. But each variable also keeps the name of its layer: one that the authors gave, or one of
its kind with a number by which Keras has counted all layers of that kind as they were made.
"""

import re
from collections import defaultdict

from boxmask.published.objects import Objects

_COUNTED = re.compile(
    r"(?:sync_)?(conv2d|batch_normalization|bottleneck_block|residual_block)(?:_(\d+))?"
)


def layers_by_name(objects: Objects, model: str) -> dict[str, str]:
    """Return the paths of a graph's layers by their names, `conv2d.0` the first that was made."""
    found: dict[str, str] = {}
    counted: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for child in objects.find(model).children:
        if not child.startswith("layer_with_weights-"):
            continue
        path = f"{model}.{child}"
        name = objects.first_made_as(path).partition("/")[0]
        if kind := _COUNTED.fullmatch(name):
            counted[kind[1]].append((int(kind[2] or 0), path))
        else:
            found[name] = path
    for which, made in counted.items():
        found |= {f"{which}.{rank}": path for rank, (_, path) in enumerate(sorted(made))}
    return found
