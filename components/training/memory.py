"""In: work that may run out of memory. Out: the same work, done again in smaller parts."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from components.errors import CapacityError
from components.params import TrainingParams
from components.training.state import State

T = TypeVar("T")
# What the allocators of the CPU and of cuBLAS say, and oneDNN, which has one saying for all that
# it cannot make; torch has no type of its own for these.
SAYINGS: Final = (
    "DefaultCPUAllocator",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "could not create a primitive",
    "could not create a memory object",
    "out of memory",
)
CURE: Final = (
    "lower tokenization.max_length or take a smaller encoder, or train on a device with more memory"
)


def out_of_memory(error: BaseException) -> bool:
    """Tell whether this is what an allocator raises that has no memory left."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(saying in str(error) for saying in SAYINGS)


def persist(work: Callable[[], T], again: Callable[[str], None]) -> T:
    """Do some work; when it runs out of memory, call `again` with the reason and do it again.

    `again` prepares the next attempt, or raises when there is nothing left to try. The first
    error is gone by then: its traceback would keep the tensors of the failed attempt alive.
    """
    while True:
        try:
            return work()
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            reason = _first_line(error)
        release()
        again(reason)


def release() -> None:
    """Give back what is cached."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@dataclass
class Memory:
    """How small the parts have become in which steps and scorings are computed.

    The effective batch, the schedule and the number of steps never change: a step that ran out is
    computed in twice as many micro-batches, whose gradients add up to the same mean.

    Attributes:
        params: of the training.
        tell: told of each halving.
        parts: factor on params.accumulation.
        shrink: divisor of the batch size of scoring.
    """

    params: TrainingParams
    tell: Callable[[str], None]
    parts: int = 1
    shrink: int = 1

    @property
    def most(self) -> int:
        """Examples of a step at most; with a budget of tokens, a bound of them."""
        return self.params.batch_tokens or self.params.batch_size

    @property
    def accumulation(self) -> int:
        """Micro-batches that a step is computed in."""
        return self.params.accumulation * self.parts

    def halve_step(self, number: int, reason: str) -> None:
        """Halve the micro-batch of all steps from `number` on.

        Raises:
            CapacityError: it is a single example already.
        """
        if self.accumulation >= self.most:
            raise CapacityError(
                f"training: step {number} must fit into memory, ran out of it with micro-batches "
                f"of 1 example: {reason}",
                CURE,
            )
        self.parts *= 2
        size = -(-self.most // self.accumulation)
        what = f"{size} tokens" if self.params.batch_tokens else f"{size}"
        self.tell(
            f"step {number} ran out of memory; it is done again, and all that follow it, in "
            f"micro-batches of {what}, accumulation {self.accumulation}"
        )

    def halve_scoring(self, rows: int, reason: str) -> None:
        """Halve the batches of scoring, of `rows` rows as long as memory lasts.

        Raises:
            CapacityError: they are single examples already.
        """
        if self.shrink >= rows:
            raise CapacityError(
                f"training: scoring must fit into memory, ran out of it with 1 example: {reason}",
                CURE,
            )
        self.shrink *= 2
        self.tell(
            f"scoring ran out of memory; it is done again in batches of {rows // self.shrink}"
        )

    def state(self) -> State:
        """Return the factors."""
        return State({"parts": self.parts, "shrink": self.shrink}, {})

    def load(self, state: State) -> None:
        """Take the smaller parts of the two."""
        self.parts = max(self.parts, state.facts["parts"])
        self.shrink = max(self.shrink, state.facts["shrink"])


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
