"""In: how many trainings share this machine. Out: this process set to its share of it."""

from __future__ import annotations

from typing import Final

# What a process needs on an accelerator beside its tensors is not freed before it ends.
Use = tuple[int, int, int]
ALONE: Final = 1


def take_seat(worker: int, workers: int) -> None:
    """Give this process its share of the threads, and of several accelerators one.

    Alone, it is left as it is: so many threads as torch takes by itself give the same bits as a
    training in any other process.

    Args:
        worker: which of those that train at once, from 0.
        workers: how many those are.
    """
    import torch

    if workers > ALONE:
        torch.set_num_threads(max(1, torch.get_num_threads() // workers))
    if torch.cuda.is_available():
        torch.cuda.set_device(worker % torch.cuda.device_count())


def device_use() -> Use | None:
    """Return how many accelerators there are, the bytes of this one, and those in use at the peak.

    In use is also what other processes hold: who measures, trains alone.
    """
    import torch

    if not torch.cuda.is_available():
        return None
    free, total = torch.cuda.mem_get_info()
    beyond = torch.cuda.max_memory_reserved() - torch.cuda.memory_reserved()
    return torch.cuda.device_count(), total, total - free + beyond
