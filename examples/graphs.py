"""Make the graphs of the bundled network that come with boxmask: `python examples/graphs.py`.

To be run when the bundled network has another config, or when what networks compute has changed;
`tests/test_runtime.py` tells.
"""

from boxmask.bundled import BUNDLED
from boxmask.models.export import export_graph
from boxmask.models.graph import SHIPPED, forms, graph_name, keep_graph
from boxmask.models.header import read_header


def main() -> None:
    """Replace the graphs."""
    config = read_header(BUNDLED).config
    made = {graph_name(config, form): export_graph(config, form) for form in forms(config)}
    for old in SHIPPED.glob("*.zip"):
        old.unlink()
    for name, graph in made.items():
        keep_graph(graph, SHIPPED / name)
        print(f"{SHIPPED.name}/{name}: {(SHIPPED / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
