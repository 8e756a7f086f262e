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

from components.errors import CapacityError
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


def keep_buffers(model: torch.nn.Module) -> None:
    """Send no buffers to the other processes before each step: those of an encoder never change."""
    from torch.nn.parallel import DistributedDataParallel

    if isinstance(model, DistributedDataParallel):
        model.broadcast_buffers = False


def part_ways(accelerator: Accelerator) -> None:
    """Give each process draws of its own, where all stand alike: with a fresh head, or resumed."""
    import torch

    if accelerator.num_processes > 1:
        torch.manual_seed(int(torch.randint(2**62, ())) + accelerator.process_index)


def redo_alone(accelerator: Accelerator, reason: str) -> None:
    """Refuse to do a step again that the other processes have gone on from.

    Raises:
        CapacityError: there are several processes.
    """
    if accelerator.num_processes > 1:
        raise CapacityError(
            f"training: a step must fit into the memory of each of {accelerator.num_processes} "
            f"processes, ran out of it: {reason}",
            "raise training.accumulation; it cuts the same step into smaller parts",
        )


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
