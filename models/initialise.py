"""How new weights are drawn: Glorot for the Deep-MAC parts, Kaiming for the Mask R-CNN head."""

from torch import nn

_WEIGHTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def glorot_(network: nn.Module) -> None:
    """Draw all weights Glorot-uniform and zero the biases, as Keras does by default."""
    for module in network.modules():
        if isinstance(module, _WEIGHTED):
            nn.init.xavier_uniform_(module.weight)
            _zero_bias_(module)


def kaiming_(network: nn.Module) -> None:
    """Draw all weights from a normal of variance 2 / fan-out and zero the biases."""
    for module in network.modules():
        if isinstance(module, _WEIGHTED):
            # PyTorch lays transposed kernels out input first, so that its fan-in is their fan-out.
            transposed = isinstance(module, nn.ConvTranspose2d)
            nn.init.kaiming_normal_(
                module.weight, mode="fan_in" if transposed else "fan_out", nonlinearity="relu"
            )
            _zero_bias_(module)


def _zero_bias_(module: nn.Conv2d | nn.ConvTranspose2d | nn.Linear) -> None:
    """Zero the bias of one layer, if it has one."""
    if module.bias is not None:
        nn.init.zeros_(module.bias)
