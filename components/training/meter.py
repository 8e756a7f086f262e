"""In: the loss and gradient norm of each step. Out: their means, told every few steps."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from components.errors import DivergenceError
from components.training.watch import Step, Watch

if TYPE_CHECKING:
    import torch

STEPS_PER_REPORT: Final = 10
CURE: Final = "lower training.learning_rate or training.max_grad_norm, or train in fp32"


@dataclass
class Meter:
    """Sums on the device, and waits for it only when it reports.

    A NaN or an infinity stays in a sum, so that none is missed between two reports.

    Attributes:
        watch: is told.
        steps: optimizer steps of all epochs.
        epoch: the running epoch, from 1.
        number: optimizer steps done.
        examples: trained on since the epoch began.
        loss: sum over those examples.
        seconds: spent since the epoch began.
    """

    watch: Watch
    steps: int
    epoch: int = 0
    number: int = 0
    examples: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    _pending: list[tuple[torch.Tensor, torch.Tensor, int]] = field(default_factory=list)
    _since: float = 0.0

    def begin(self, epoch: int) -> None:
        """Start an epoch's sums and its clock."""
        self.epoch, self.examples, self.loss, self.seconds = epoch, 0, 0.0, 0.0
        self._pending.clear()
        self._since = time.perf_counter()

    def add(self, loss: torch.Tensor, norm: torch.Tensor, examples: int, rate: float) -> None:
        """Note one step: its summed loss, its gradient norm before clipping, its rows and rate.

        Raises:
            DivergenceError: at a report, when one of the steps since the last was not finite.
        """
        self.number += 1
        self._pending.append((loss, norm, examples))
        if self.number % STEPS_PER_REPORT == 0:
            self.report(rate)

    def report(self, rate: float) -> None:
        """Fetch the sums, check them, and tell the watch; nothing pending, nothing told."""
        if not self._pending:
            return
        import torch

        losses, norms, examples = zip(*self._pending, strict=True)
        fetched = torch.stack([torch.stack(losses).sum(), torch.stack(norms).float().sum()])
        loss, norm = fetched.tolist()
        _check(self.number, self.epoch, loss=loss, gradient_norm=norm)
        now, rows = time.perf_counter(), sum(examples)
        self.loss, self.examples = self.loss + loss, self.examples + rows
        self.seconds += now - self._since
        step = Step(
            number=self.number,
            steps=self.steps,
            epoch=self.epoch,
            loss=loss / rows,
            learning_rate=rate,
            grad_norm=norm / len(norms),
            examples_per_second=rows / max(now - self._since, 1e-9),
        )
        self._pending.clear()
        self.watch.on_step(step)
        self._since = time.perf_counter()


def _check(step: int, epoch: int, **values: float) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise DivergenceError(
                f"training: {name.replace('_', ' ')} must be finite, found {value} "
                f"by step {step} of epoch {epoch}",
                CURE,
            )
