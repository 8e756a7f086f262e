"""In: the loss and gradient norm of each step. Out: their means, told every few steps."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from components.errors import DivergenceError
from components.training.state import State, copied
from components.training.watch import Step, Watch

if TYPE_CHECKING:
    import torch

STEPS_PER_REPORT: Final = 10
CURE: Final = "lower training.learning_rate or training.max_grad_norm, or train in fp32"


class Done(NamedTuple):
    """One optimizer step.

    Attributes:
        loss: summed over what was learned from.
        norm: of the gradients, before clipping.
        learned: targets that were learned from.
        examples: rows.
        tokens: of them, padding left out.
    """

    loss: torch.Tensor
    norm: torch.Tensor
    learned: int
    examples: int
    tokens: int


@dataclass
class Meter:
    """Sums on the device, and waits for it only when it reports.

    A NaN or an infinity stays in a sum, so that none is missed between two reports.

    Attributes:
        watch: is told.
        steps: optimizer steps of all epochs.
        epoch: the running epoch, from 1.
        number: optimizer steps done.
        learned: targets learned from since the epoch began.
        loss: sum over those targets.
        seconds: spent since the epoch began.
        rate: learning rate of the last step.
    """

    watch: Watch
    steps: int
    epoch: int = 0
    number: int = 0
    learned: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    rate: float = 0.0
    _pending: list[Done] = field(default_factory=list)
    _since: float = 0.0
    # Where and when this process took over: its pace tells how long the rest will take.
    _first: int = 0
    _began: float = field(default_factory=time.perf_counter)

    def begin(self, epoch: int) -> None:
        """Start an epoch's sums and its clock."""
        self.epoch, self.learned, self.loss, self.seconds = epoch, 0, 0.0, 0.0
        self._pending.clear()
        self._since = time.perf_counter()

    def add(self, done: Done, rate: float) -> None:
        """Note one step and its learning rate.

        Raises:
            DivergenceError: at a report, when one of the steps since the last was not finite.
        """
        self.number += 1
        self.rate = rate
        self._pending.append(done)
        if self.number % STEPS_PER_REPORT == 0:
            self.report()

    def report(self) -> None:
        """Fetch the sums, check them, and tell the watch; nothing pending, nothing told."""
        if not self._pending:
            return
        import torch

        losses, norms, learned, examples, tokens = zip(*self._pending, strict=True)
        fetched = torch.stack([torch.stack(losses).sum(), torch.stack(norms).float().sum()])
        loss, norm = fetched.tolist()
        _check(self.number, self.epoch, loss=loss, gradient_norm=norm)
        now, targets = time.perf_counter(), sum(learned)
        spent = max(now - self._since, 1e-9)
        self.loss, self.learned = self.loss + loss, self.learned + targets
        self.seconds += spent
        pace = (now - self._began) / max(1, self.number - self._first)
        step = Step(
            number=self.number,
            steps=self.steps,
            epoch=self.epoch,
            loss=loss / max(1, targets),
            learning_rate=self.rate,
            grad_norm=norm / len(norms),
            examples_per_second=sum(examples) / spent,
            tokens_per_second=sum(tokens) / spent,
            seconds_left=pace * (self.steps - self.number),
        )
        self._pending.clear()
        self.watch.on_step(step)
        self._since = time.perf_counter()

    def state(self) -> State:
        """Return all sums; of what is not yet fetched the single numbers, to be summed as ever."""
        import torch

        facts = {
            "epoch": self.epoch,
            "number": self.number,
            "learned": self.learned,
            "loss": self.loss,
            "seconds": self.seconds,
            "rate": self.rate,
            "running": time.perf_counter() - self._since,
            "pending": [[done.learned, done.examples, done.tokens] for done in self._pending],
        }
        if not self._pending:
            return State(facts, {})
        return State(
            facts,
            copied(
                {
                    "losses": torch.stack([done.loss for done in self._pending]),
                    "norms": torch.stack([done.norm for done in self._pending]),
                }
            ),
        )

    def load(self, state: State, device: torch.device) -> None:
        """Go on with these sums, on this device."""
        facts, now = state.facts, time.perf_counter()
        self.epoch, self.number = facts["epoch"], facts["number"]
        self.learned, self.loss = facts["learned"], facts["loss"]
        self.seconds, self.rate = facts["seconds"], facts["rate"]
        self._first, self._began, self._since = self.number, now, now - facts["running"]
        self._pending = [
            Done(loss, norm, *counts)
            for loss, norm, counts in zip(
                state.tensors["losses"].to(device) if facts["pending"] else (),
                state.tensors["norms"].to(device) if facts["pending"] else (),
                facts["pending"],
                strict=True,
            )
        ]


def _check(step: int, epoch: int, **values: float) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise DivergenceError(
                f"training: {name.replace('_', ' ')} must be finite, found {value} "
                f"by step {step} of epoch {epoch}",
                CURE,
            )
