"""In: weights after each step. Out: their moving average, scored and kept in their place."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from components.training.state import State, copied

if TYPE_CHECKING:
    import torch


@dataclass
class Average:
    """An exponential moving average of all trained weights.

    After step t it is decay(t) * average + (1 - decay(t)) * weights (Polyak and Juditsky, SIAM
    J. Control Optim. 30, 1992; exponential as in Tarvainen and Valpola, arXiv:1703.01780), with
    decay(t) = min(decay, t / (t + 9)), so that what the untrained head was is soon forgotten.

    Attributes:
        model: whose weights are averaged; weights that are not trained are left out.
        decay: per step; 0: there is no average, and the weights themselves are scored and kept.
        steps: that were averaged.
    """

    model: torch.nn.Module
    decay: float
    steps: int = 0
    _average: dict[str, torch.Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self._average = {n: w.detach().clone() for n, w in self._weights().items()}

    def update(self) -> None:
        """Take in the weights after one more step."""
        if not self.decay:
            return
        from torch.optim.swa_utils import get_ema_multi_avg_fn

        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 9))
        get_ema_multi_avg_fn(decay)(  # type: ignore[no-untyped-call]
            list(self._average.values()), list(self._weights().values()), self.steps
        )

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Put the average into the model for the block, and the weights back after it."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def state(self) -> State:
        """Return the average and the count."""
        return State({"steps": self.steps}, copied(self._average))

    def load(self, state: State) -> None:
        """Go on with these."""
        self.steps = state.facts["steps"]
        for name, value in state.tensors.items():
            self._average[name].copy_(value)

    def _weights(self) -> dict[str, torch.Tensor]:
        if not self.decay:
            return {}
        return {n: w for n, w in self.model.named_parameters() if w.requires_grad}

    def _swap(self) -> None:
        """Exchange the values in place: the optimizer and accelerate hold on to the tensors."""
        import torch

        with torch.no_grad():
            # Memory may run out here, where nothing is exchanged yet.
            held = {name: weight.clone() for name, weight in self._weights().items()}
            for name, weight in self._weights().items():
                weight.copy_(self._average[name])
                self._average[name].copy_(held[name])
