"""Which GPU each of several processes of a machine gets."""


def deal_out(device: str, workers: int, *, gpus: int) -> list[str]:
    """Return the device of each worker: the GPUs of the machine in turn, unless one is named.

    >>> deal_out("cuda", 3, gpus=2), deal_out("cuda:1", 2, gpus=2), deal_out("cpu", 2, gpus=0)
    (['cuda:0', 'cuda:1', 'cuda:0'], ['cuda:1', 'cuda:1'], ['cpu', 'cpu'])
    """
    if device != "cuda" or not gpus:
        return [device] * workers
    return [f"cuda:{place % gpus}" for place in range(workers)]


def count_gpus(device: str) -> int:
    """Return how many GPUs there are for a device; PyTorch is asked only where it has some."""
    if device != "cuda":
        return 0
    import torch

    return torch.cuda.device_count()
