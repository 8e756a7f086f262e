"""In: a model, an optimizer, torch's generators. Out: each as a part that can be saved and set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from components.training.state import State, copied
from components.training.watch import Epoch

if TYPE_CHECKING:
    import torch


@dataclass
class Place:
    """Where a training stands: between two steps.

    Attributes:
        epoch: the running one, from 1; one more than there are when all are done.
        step: steps done in it.
        history: the finished epochs.
    """

    epoch: int = 1
    step: int = 0
    history: list[Epoch] = field(default_factory=list)

    def finish(self, epoch: Epoch) -> None:
        """Go over to the next epoch."""
        self.history.append(epoch)
        self.epoch, self.step = self.epoch + 1, 0

    def state(self) -> State:
        """Return the counts and the finished epochs."""
        history = [vars(epoch) for epoch in self.history]
        return State({"epoch": self.epoch, "step": self.step, "history": history}, {})

    def load(self, state: State) -> None:
        """Go on from there."""
        self.epoch, self.step = state.facts["epoch"], state.facts["step"]
        self.history = [Epoch(**row) for row in state.facts["history"]]


@dataclass(frozen=True)
class Weights:
    """All parameters and buffers of a model."""

    model: torch.nn.Module

    def state(self) -> State:
        """Return copies of them."""
        return State({}, copied(self.model.state_dict()))

    def load(self, state: State) -> None:
        """Put them in."""
        self.model.load_state_dict(dict(state.tensors))


@dataclass(frozen=True)
class Moments:
    """What an optimizer has gathered; its options come from params and from the schedule."""

    optimizer: torch.optim.Optimizer

    def state(self) -> State:
        """Return copies of its tensors, as `<number of the weight>.<name>`."""
        gathered = self.optimizer.state_dict()["state"]
        tensors = {
            f"{index}.{name}": value
            for index, values in gathered.items()
            for name, value in values.items()
        }
        return State({}, copied(tensors))

    def load(self, state: State) -> None:
        """Put them in."""
        gathered: dict[int, dict[str, Any]] = {}
        for place, value in state.tensors.items():
            index, _, name = place.partition(".")
            gathered.setdefault(int(index), {})[name] = value
        options = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": gathered, "param_groups": options})


@dataclass(frozen=True)
class Draws:
    """Torch's generators, which dropout draws from; all else draws from named seeds."""

    device: torch.device

    def state(self) -> State:
        """Return where they stand."""
        import torch

        tensors = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            tensors["cuda"] = torch.cuda.get_rng_state(self.device)
        return State({}, tensors)

    def load(self, state: State) -> None:
        """Set them there."""
        import torch

        torch.set_rng_state(state.tensors["cpu"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state.tensors["cuda"], self.device)
