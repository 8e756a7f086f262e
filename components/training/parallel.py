"""In: a step's batch. Out: what one of several processes does of it.

`accelerate launch -m flows train` over several processes, on one machine or several, takes the same
steps as one process: each computes its share of every batch, gradients are summed, and all take the
same update. What is supported is DistributedDataParallel, on CPUs (gloo) and GPUs (NCCL). An
encoder that is sharded over the devices is refused: its checkpoints would have to be. Every process
scores the whole validation split, so that all decide alike.

Equal to one process within rounding when there is no dropout; with dropout each process draws its
own masks, which are as good but not the same.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

from components.errors import CapacityError, ParamsError
from components.training.batches import Rows

# Of accelerate's kinds those in which each process has the whole model.
WHOLE: Final = ("NO", "MULTI_CPU", "MULTI_GPU")

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator


def first_process() -> bool:
    """Tell whether this process is the one that writes; true when there is only one."""
    return os.environ.get("RANK", "0") == "0"


def refuse_shards(accelerator: Accelerator) -> None:
    """Refuse an encoder that accelerate's configuration would shard over the devices.

    Raises:
        ParamsError: it would.
    """
    kind = str(accelerator.distributed_type).rpartition(".")[2]
    if kind not in WHOLE:
        raise ParamsError(
            f"training: accelerate is configured for {kind}, which keeps no whole model in any "
            "process to save and to resume",
            "configure it for data parallelism; where memory is short, raise training.accumulation "
            "or set training.gradient_checkpointing or training.adapter",
        )


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
