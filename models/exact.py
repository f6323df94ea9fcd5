"""What a graph computes in fp32 even where the rest is in bf16: where rounding costs most.

These are the layers up to the first map of features (stride 4), whose rounding would reach all that
comes after, and those that judge the mask by its logits, which are means of many cells.
All is told from shapes and from what follows what: every backbone and head has both.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from xml.etree import ElementTree

from boxmask.errors import ConfigError
from boxmask.models.config import MAP_STRIDE

# How OpenVINO is told: since 2026 by the first, before by the second. Each passes over the other.
_KEPT = (
    {"name": "DisablePrecisionConversion", "version": "0", "value": "dynamic:f16"},
    {"name": "precise", "version": "0"},
)


def exact_layers(model: Any) -> list[str]:
    """Name the layers of a model that stay in fp32, in their order.

    The model maps "pixels" (1,Z,Z,3) and more to logits and expected IoU, in this order.
    """
    logits, _ = (result.input(0).get_source_output().get_node() for result in model.get_results())
    found = _reached(_readers(logits), _readers) | _stem(model, logits)
    return [node.get_friendly_name() for node in model.get_ordered_ops() if _key(node) in found]


def marked(xml: bytes, names: Iterable[str]) -> bytes:
    """Return a graph in which these layers are marked to stay in fp32."""
    root, wanted = ElementTree.fromstring(xml), set(names)
    for layer in root.iter("layer"):
        if layer.get("name") in wanted:
            info = layer.find("rt_info")
            info = ElementTree.SubElement(layer, "rt_info") if info is None else info
            for attribute in _KEPT:
                ElementTree.SubElement(info, "attribute", attribute)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def check_kept(model: Any, compiled: Any) -> None:
    """Raise if the convolutions that a model marks are not computed in fp32.

    How OpenVINO is told is not written down anywhere, so a version to come may take no notice.
    """
    wanted = {node.get_friendly_name() for node in model.get_ordered_ops() if _is_marked(node)}
    for node in compiled.get_runtime_model().get_ordered_ops():
        layer, origin, precision = (
            node.get_rt_info()[key].astype(str)
            for key in ("layerType", "originalLayersNames", "runtimePrecision")
        )
        if layer == "Convolution" and precision != "f32" and wanted & set(origin.split(",")):
            raise ConfigError(
                "this version of OpenVINO rounds what has to stay in fp32; give --precision fp32, "
                "or install another."
            )


def _is_marked(node: Any) -> bool:
    known = node.get_rt_info()
    return any(f"{one['name']}_{one['version']}" in known for one in _KEPT)


def _stem(model: Any, logits: Any) -> set[str]:
    """Return the layers that the first maps of stride 4 are made of, and those that make them."""
    pixels = next(one for one in model.get_parameters() if one.get_friendly_name() == "pixels")
    cells = pixels.output(0).get_shape()[1] // MAP_STRIDE

    def shrinks(node: Any) -> bool:
        """Tell whether a layer makes a map of stride 4 of a finer one."""
        finer = any(_height(value) > cells for value in node.input_values())
        return finer and all(0 < _height(output) <= cells for output in node.outputs())

    def ahead(node: Any) -> Iterable[Any]:
        return () if shrinks(node) or _key(node) == _key(logits) else _readers(node)

    seen = _reached([pixels], ahead)
    last = [node for node in model.get_ordered_ops() if _key(node) in seen and shrinks(node)]
    return _reached(last, _computed_sources)


def _reached(starts: Iterable[Any], following: Callable[[Any], Iterable[Any]]) -> set[str]:
    """Return all nodes that a walk from some of them comes to, those included."""
    found: set[str] = set()
    ahead = list(starts)
    while ahead:
        node = ahead.pop()
        if _key(node) not in found:
            found.add(_key(node))
            ahead += following(node)
    return found


def _readers(node: Any) -> Iterator[Any]:
    for output in node.outputs():
        for reader in output.get_target_inputs():
            if reader.get_node().get_type_name() != "Result":
                yield reader.get_node()


def _computed_sources(node: Any) -> Iterator[Any]:
    for value in node.input_values():
        if value.get_node().get_type_name() not in ("Constant", "Parameter"):
            yield value.get_node()


def _height(value: Any) -> int:
    """Return the height of a map (N,C,H,W), 0 of anything else."""
    shape = list(value.get_partial_shape().get_max_shape())
    return int(shape[2]) if len(shape) == 4 else 0


def _key(node: Any) -> str:
    return str(node.get_name())
