"""The objects that a checkpoint was saved from: which name leads from which to which.

A variable has one key in the file, and often several paths of names lead to it. Which of them
became its key depends on how the file was written; the paths themselves are those of the program.
"""

from dataclasses import dataclass, field

from boxmask.published.messages import fields, number, parts, text

GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"


@dataclass
class Node:
    """One object: its children by name, and of a variable its key and the name it was made with."""

    children: dict[str, int] = field(default_factory=dict)
    key: str = ""
    made_as: str = ""


class Objects:
    """All objects of a checkpoint, from the root on."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes

    def find(self, path: str) -> Node:
        """Return the object that names with dots between lead to from the root, or an empty one."""
        node = self.nodes[0] if self.nodes else Node()
        for name in filter(None, path.split(".")):
            at = node.children.get(name, -1)
            node = self.nodes[at] if 0 <= at < len(self.nodes) else Node()
        return node

    def first_made_as(self, path: str) -> str:
        """Return the name of the first variable at a path or below it, "" if there is none."""
        node = self.find(path)
        below = (self.first_made_as(f"{path}.{name}") for name in node.children)
        return node.made_as or next(filter(None, below), "")


def read_objects(data: bytes) -> Objects:
    """Read the objects from the text that a checkpoint keeps of them."""
    return Objects([_node(part) for part in parts(fields(data), 1)])


def _node(data: bytes) -> Node:
    message = fields(data)
    node = Node()
    for child in map(fields, parts(message, 1)):
        node.children[text(child, 2)] = number(child, 1)
    for attribute in map(fields, parts(message, 2)):
        node.key = node.key or text(attribute, 3)
        node.made_as = node.made_as or text(attribute, 2)
    return node
