"""In: the wanted precision and a seed. Out: an accelerator, and arithmetic that repeats."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from accelerate import Accelerator

Precision = Literal["auto", "fp32", "bf16"]


@contextlib.contextmanager
def accelerated(precision: Precision) -> Iterator[Accelerator]:
    """Give an Accelerator for one training.

    accelerate keeps the first precision of a process for good, so that the next trial's would be
    refused: its state is cleared at the end.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    accelerator = Accelerator(mixed_precision="bf16" if _in_bf16(precision) else "no")
    try:
        yield accelerator
    finally:
        accelerator.free_memory()
        AcceleratorState._reset_state()


def _in_bf16(precision: Precision) -> bool:
    import torch

    if precision == "auto":
        # Without emulation: where bf16 is only emulated, it is slower than fp32.
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported(False)
    return precision == "bf16"


@contextlib.contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Seed torch, choose deterministic kernels, and leave torch as it was found."""
    import torch
    import torch.utils.deterministic

    settings: Any = torch.utils.deterministic
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        # cuBLAS repeats only with a workspace of fixed size, chosen before its first call.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    fill = settings.fill_uninitialized_memory
    with torch.random.fork_rng([torch.cuda.current_device()] if on_gpu else []):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=on_gpu)
        # Nothing here reads what it has not written, and filling every new tensor costs time.
        settings.fill_uninitialized_memory = False
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before, warn_only=warned)
            settings.fill_uninitialized_memory = fill
