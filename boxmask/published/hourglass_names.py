"""What the layers of hourglasses are called by the authors, in heads and backbones."""

import re
from collections.abc import Iterable

Rules = Iterable[tuple[str, str]]

# From the outermost to the innermost; the dotted names here, patterns of them, become theirs.
_INSIDE = (
    (r"\.shortcut\.", ".encoder_block1."),
    (r"\.encode\.", ".encoder_block2."),
    (r"\.decode\.", ".decoder_block."),
    (r"\.inner(?=\.\D)", ".inner_block.0"),
    (r"\.inner(?=\.\d)", ".inner_block"),
    # The inner one of an inner one begins where the first has ended.
    (r"\.inner(?=\.\D)", ".inner_block.0"),
    (r"\.first\.0$", ".conv_block.conv"),
    (r"\.first\.1$", ".conv_block.norm"),
    (r"\.second\.0$", ".conv"),
    (r"\.second\.1$", ".norm"),
    (r"(conv_block|conv1\.\d|conv2\.\d|output_conv\.\d|skip)\.0$", r"\1.conv"),
    (r"(conv_block|conv1\.\d|conv2\.\d|output_conv\.\d|skip)\.1$", r"\1.norm"),
)
BACKBONE = (
    (r"^stem\.0", "downsample_input.conv_block"),
    (r"^stem\.1", "downsample_input.residual_block"),
    (r"^stacks", "hourglass_network"),
    (r"^outputs", "output_conv"),
    (r"^junctions\.(\d+)\.carry", r"intermediate_conv1.\1"),
    (r"^junctions\.(\d+)\.result", r"intermediate_conv2.\1"),
    (r"^junctions\.(\d+)\.residual", r"intermediate_residual.\1"),
    *_INSIDE,
)
HEAD = (
    (r"^0", "conv_input.conv_block"),
    (r"^1", "conv_input.residual_block"),
    (r"^2", "hourglass_network.0"),
    (r"^3", "output_conv.0"),
    *_INSIDE,
)


def renamed(name: str, rules: Rules) -> str:
    """Apply rules to a dotted name, one after the other."""
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name
