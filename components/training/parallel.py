"""In: a step's batch. Out: what one of several processes does of it.

`accelerate launch -m flows train` over several processes, on one machine or several, takes the same
steps as one process: each computes its share of every batch, gradients are summed, and all take the
same update. What is supported: DistributedDataParallel, on CPUs (gloo) and GPUs (NCCL), and FSDP as
accelerate's own configuration (`accelerate config`) sets it up, for encoders that one device does
not hold. Every process scores the whole validation split, so that all decide alike.

Equal to one process within rounding when there is no dropout; with dropout each process draws its
own masks, which are as good but not the same.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from components.training.batches import Rows

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator


def first_process() -> bool:
    """Tell whether this process is the one that writes; true when there is only one."""
    return os.environ.get("RANK", "0") == "0"


def share(batch: Rows, index: int, processes: int) -> Rows:
    """Return the rows of a batch that process `index` computes.

    Every n-th row, since rows come sorted by length: shares then cost the same. Empty when there
    are fewer rows than processes.
    """
    return batch[index::processes]


def part_ways(accelerator: Accelerator) -> None:
    """Give each process draws of its own, now that all hold the same fresh head."""
    import torch

    if accelerator.num_processes > 1:
        torch.manual_seed(torch.initial_seed() + accelerator.process_index)


def synchronised(
    accelerator: Accelerator, model: torch.nn.Module, last: bool
) -> contextlib.AbstractContextManager[object]:
    """Sum gradients over the processes only in a step's last micro-batch."""
    if last or accelerator.num_processes == 1:
        return contextlib.nullcontext()
    apart: contextlib.AbstractContextManager[object] = accelerator.no_sync(model)
    return apart


def total(accelerator: Accelerator, value: torch.Tensor) -> torch.Tensor:
    """Return the sum over all processes."""
    if accelerator.num_processes == 1:
        return value
    summed: torch.Tensor = accelerator.reduce(value, "sum")
    return summed
