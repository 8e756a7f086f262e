"""In: nothing. Out: what training tells while it runs, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """Where training stands, told every few steps.

    Attributes:
        number: optimizer steps done, from 1.
        steps: optimizer steps of all epochs.
        epoch: the running epoch, from 1.
        loss: mean since the last report, over what was learned from: labels, or words.
        learning_rate: of this step.
        grad_norm: mean global norm before clipping since the last report.
        examples_per_second: since the last report.
        tokens_per_second: likewise, padding left out.
        seconds_left: until the last step, at the pace of this process so far, scoring included.
    """

    number: int
    steps: int
    epoch: int
    loss: float
    learning_rate: float
    grad_norm: float
    examples_per_second: float
    tokens_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to.

    Attributes:
        number: from 1.
        epochs: at most so many.
        loss: mean training loss of the epoch, over what was learned from.
        score: the task's metric on validation.
        metrics: all of the task's metrics on validation.
        seconds: of training, scoring left out.
    """

    number: int
    epochs: int
    loss: float
    score: float
    metrics: dict[str, float]
    seconds: float


def _ignore(_: Step | Epoch | str) -> None:
    """Look away."""


@dataclass(frozen=True)
class Watch:
    """Who is told; whatever a callable raises ends the training, so that a trial can be pruned.

    Attributes:
        on_step: told every few steps.
        on_epoch: told of each epoch. A training that goes on from a checkpoint first tells of the
            epochs that were finished before, in order: who counts, counts by the epoch's number.
        on_note: told, in a sentence, of what is out of the ordinary and was taken care of.
    """

    on_step: Callable[[Step], None] = _ignore
    on_epoch: Callable[[Epoch], None] = _ignore
    on_note: Callable[[str], None] = _ignore
