"""In: a model. Out: a second pass over each batch, its word vectors pushed against the loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Adversary:
    """The fast gradient method on word vectors (Miyato, Dai and Goodfellow, arXiv:1605.07725).

    The vectors s of a text are moved by epsilon * g / ||g||, with g the gradient of the text's loss
    with respect to s and the norm taken over the whole text. What the first pass and the second
    have as gradients adds up, as in the paper's sum of both losses. The push of a text does not
    depend on what else is in the batch, so that accumulation stays exact. The paper normalises the
    vectors, so that training cannot make the push small by making them large; the encoders here
    normalise right after them.

    Attributes:
        table: of word vectors, whose output is pushed.
        epsilon: length of the push, in units of the vectors; 0: there is no second pass.
    """

    table: torch.nn.Module
    epsilon: float

    def passes(self) -> Iterator[bool]:
        """Yield once per pass that is to be made, forward and backward; whether it is the last."""
        if not self.epsilon:
            yield True
            return
        seen: list[torch.Tensor] = []

        def keep(_: torch.nn.Module, __: Any, vectors: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
            # A frozen table gives vectors without a gradient, and it is theirs that is wanted.
            kept = vectors if vectors.requires_grad else vectors.detach().requires_grad_()
            kept.retain_grad()
            seen.append(kept)
            return kept

        with self.table.register_forward_hook(keep):
            yield False
        push = self._push(seen)

        def add(_: torch.nn.Module, __: Any, vectors: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
            return vectors + push

        with self.table.register_forward_hook(add):
            yield True

    def _push(self, seen: list[torch.Tensor]) -> torch.Tensor:
        """Return (batch, length, width) what is added to the vectors."""
        import torch

        (vectors,) = seen
        if vectors.grad is None:
            return torch.zeros_like(vectors)
        norms = vectors.grad.flatten(1).norm(dim=1).clamp(min=torch.finfo(torch.float32).tiny)
        push: torch.Tensor = vectors.grad * (self.epsilon / norms[:, None, None])
        return push
