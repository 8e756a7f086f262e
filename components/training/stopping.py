"""In: the score of each epoch. Out: the best weights, and whether to go on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from components.errors import DivergenceError
from components.training.meter import CURE
from components.training.state import State, copied

if TYPE_CHECKING:
    import torch


class Best:
    """Keeps a copy of the best weights in memory and counts epochs without a better score.

    Args:
        patience: so many epochs in a row without a better score end the training.
    """

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._weights: dict[str, torch.Tensor] = {}
        self.score = -math.inf
        self.epoch = 0
        self._seen = 0

    def offer(self, model: torch.nn.Module, score: float) -> None:
        """Take the weights when their score is the best so far; of equals, the earlier stay.

        All of it or nothing: what raises has altered nothing.

        Raises:
            DivergenceError: one of them is not finite. The loss and the scores need not show it:
                the row of a word that no text has may be NaN, until somebody writes that word.
        """
        if score > self.score:
            weights = copied(model.state_dict())
            _check(weights)
            self._weights, self.score, self.epoch = weights, score, self._seen + 1
        self._seen += 1

    @property
    def exhausted(self) -> bool:
        """Whether patience has run out."""
        return self._seen - self.epoch >= self._patience

    def restore(self, model: torch.nn.Module) -> None:
        """Put the best weights back."""
        model.load_state_dict(self._weights)

    def state(self) -> State:
        """Return the best weights and the counts; the weights are never altered in place."""
        score = self.score if self._weights else None
        return State({"score": score, "epoch": self.epoch, "seen": self._seen}, self._weights)

    def load(self, state: State) -> None:
        """Go on with these."""
        facts = state.facts
        self.score = -math.inf if facts["score"] is None else facts["score"]
        self.epoch, self._seen = facts["epoch"], facts["seen"]
        self._weights = dict(state.tensors)


def _check(weights: Mapping[str, torch.Tensor]) -> None:
    for name, value in weights.items():
        if not value.isfinite().all():
            raise DivergenceError(f"training: weight {name} must be finite, found NaN or inf", CURE)
