"""In: an optimizer step on a GPU. Out: the same step as one CUDA graph, for each shape of batch.

A small encoder on a large GPU waits for the host to start its kernels: hundreds of them for each
step, each over in microseconds. A graph starts them all at once. The kernels are the same, and so
is what they compute; dropout draws from the same generator.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import torch

    # Inputs by name, targets, and the factor that makes a mean of the summed loss; returns (2,).
    Work = Callable[[Mapping[str, torch.Tensor], torch.Tensor, torch.Tensor], torch.Tensor]

# Batches of rows have few shapes, and those of a budget of tokens many, each of them rare.
MOST: Final = 64
WAITED: Final = "synchronizing CUDA operation"


@dataclass
class _Recorded:
    """One graph, where it reads, and where it writes what is told of the step."""

    graph: torch.cuda.CUDAGraph
    inputs: Mapping[str, torch.Tensor]
    targets: torch.Tensor
    share: torch.Tensor
    told: torch.Tensor


@dataclass
class Replays:
    """Takes steps; of a shape that was met before, as a graph.

    The first step of a shape is an ordinary one, and where the device had to be waited for in it,
    so is the second: what is compiled waits once. When that one waits too, which no graph can do,
    all later steps stay ordinary.

    Attributes:
        device: of the model.
        on: whether graphs are made.
    """

    device: torch.device
    on: bool = True
    _ready: dict[Any, bool] = field(default_factory=dict)
    _recorded: dict[Any, _Recorded] = field(default_factory=dict)
    _pool: Any = None

    def step(
        self,
        inputs: Mapping[str, torch.Tensor],
        targets: torch.Tensor,
        share: float,
        work: Work,
    ) -> torch.Tensor:
        """Take one step.

        Args:
            inputs: of the model, by name.
            targets: (batch, ...).
            share: what the summed loss is multiplied with.
            work: the whole step, update and zeroing included; it may neither wait for the device
                nor depend on anything but its arguments, weights, moments and torch's generator.

        Returns:
            (2,) the summed loss and the norm of the gradients.
        """
        import torch

        key = (tuple((name, value.shape) for name, value in inputs.items()), targets.shape)
        if not self.on or (key not in self._ready and len(self._ready) >= MOST):
            return work(inputs, targets, torch.tensor(share, device=self.device))
        if not self._ready.get(key):
            again = key in self._ready
            told, waited = self._watched(inputs, targets, share, work)
            self._ready[key] = not waited
            self.on = not (waited and again)
            return told
        recorded = self._recorded.get(key) or self._record(key, inputs, targets, work)
        for name, value in inputs.items():
            recorded.inputs[name].copy_(value)
        recorded.targets.copy_(targets)
        recorded.share.fill_(share)
        recorded.graph.replay()
        # The next step of any shape writes there again.
        return recorded.told.clone()

    def _watched(
        self,
        inputs: Mapping[str, torch.Tensor],
        targets: torch.Tensor,
        share: float,
        work: Work,
    ) -> tuple[torch.Tensor, bool]:
        """Take an ordinary step, and tell whether it waited for the device."""
        import torch

        given = torch.tensor(share, device=self.device)
        before = torch.cuda.get_sync_debug_mode()
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                told = work(inputs, targets, given)
            finally:
                torch.cuda.set_sync_debug_mode(before)
        return told, any(WAITED in str(warning.message) for warning in said)

    def _record(
        self,
        key: Any,  # noqa: ANN401 - shapes by name
        inputs: Mapping[str, torch.Tensor],
        targets: torch.Tensor,
        work: Work,
    ) -> _Recorded:
        """Record a step without taking it. All graphs share their memory: none run at once."""
        import torch

        graph = torch.cuda.CUDAGraph()
        given = {name: value.clone() for name, value in inputs.items()}
        wanted, share = targets.clone(), torch.ones((), device=self.device)
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
        with torch.cuda.graph(graph, pool=self._pool):
            told = work(given, wanted, share)
        recorded = self._recorded[key] = _Recorded(graph, given, wanted, share, told)
        return recorded
