"""In: what a training consists of. Out: facts and tensors that it can be set back to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class State:
    """A part of a training at one moment; nothing that happens later alters it.

    Attributes:
        facts: JSON.
        tensors: on the CPU.
    """

    facts: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]


class Part(Protocol):
    """Something that a training goes on with after a step.

    Whatever outlives a step must be a part, or a training that was killed would go on otherwise.
    """

    def state(self) -> State:
        """Return a copy of all that it holds."""

    def load(self, state: State) -> None:
        """Hold exactly this, bit for bit."""


def copied(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return copies on the CPU, contiguous, no two of which share memory."""
    return {
        name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()
    }
