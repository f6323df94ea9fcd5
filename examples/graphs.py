"""Make the graphs that come with boxmask: `python examples/graphs.py`.

They are of the bundled network, and of the one that `boxmask train` makes if no preset is named. To
be run when a config of these is another, or when what networks compute has changed;
`tests/test_runtime.py` tells. A minute.
"""

from boxmask.models.export import export_graph
from boxmask.models.graph import SHIPPED, forms, graph_name, keep_graph
from boxmask.models.presets import preset

SHIPPING = ("zoom", "zoom-tinyvit")


def main() -> None:
    """Replace the graphs."""
    made = {
        graph_name(config, form): export_graph(config, form)
        for config in map(preset, SHIPPING)
        for form in forms(config)
    }
    for old in SHIPPED.glob("*.zip"):
        old.unlink()
    for name, graph in made.items():
        keep_graph(graph, SHIPPED / name)
        print(f"{SHIPPED.name}/{name}: {(SHIPPED / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
