"""In: nothing. Out: one training to be done, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

from components.arrays import Array
from components.params import TrainingParams
from components.search.objective import DeviceUse

Key = tuple[int, int]
Curves = Mapping[str, Mapping[int, float]]
# Rounds beyond are no further seeds of finalists, but an ablation's, two to a seed.
ARMS: Final = 1000
How = Literal["complete", "pruned", "diverged", "interrupted", "died", "broken"]


@dataclass(frozen=True)
class Arm:
    """One side of an ablation.

    Attributes:
        copies: whether altered copies of training rows are trained on.
        seed: which of the seeds that both sides train with, from 1.
    """

    copies: bool
    seed: int

    @property
    def round(self) -> int:
        """What names it beside its trial."""
        return ARMS + 2 * self.seed + self.copies


def arm_of(round_: int) -> Arm | None:
    """Return the arm of that round; None for those of trials and finalists."""
    return Arm(bool(round_ % 2), (round_ - ARMS) // 2) if round_ > ARMS else None


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes:
        number: of the trial whose values it trains with.
        round: 0: the trial itself; from 1: a further training with another seed; see `arm_of`.
        training: the section it trains with.
        seed: likewise.
        checkpoints: the folder of its checkpoints; None: none are kept.
    """

    number: int
    round: int
    training: TrainingParams
    seed: int
    checkpoints: Path | None

    @property
    def key(self) -> Key:
        """What names it."""
        return (self.number, self.round)

    @property
    def arm(self) -> Arm | None:
        """The side of an ablation that it is, if it is one."""
        return arm_of(self.round)


@dataclass(frozen=True)
class Ending:
    """How one attempt at a job ended.

    Attributes:
        how: complete, pruned and diverged are ends; interrupted and died are done again; broken is
            a fault that ends the search.
        score: of a complete one.
        reason: why it diverged or died.
        error: what broke it.
        seconds: how long it took, its process' start included.
        memory: bytes at its peak, without what it shares with the process it was forked from;
            None: not measured.
        device: what it took of an accelerator, or None.
        worker: where it ran.
        curves: points that no epoch told.
        tallies: (validation rows, tallies) of the best epoch, of an arm of an ablation.
    """

    how: How
    score: float | None = None
    reason: str | None = None
    error: BaseException | None = None
    seconds: float = 0.0
    memory: int | None = None
    device: DeviceUse | None = None
    worker: str = "0"
    curves: Curves = field(default_factory=dict)
    tallies: Array | None = None


class Listener(Protocol):
    """Who is told what jobs do, while `Engine.wait` waits."""

    def stepped(self, key: Key, step: object) -> None:
        """A job shows where it stands."""

    def reported(self, key: Key, epoch: int, score: float, curves: Curves) -> bool:
        """An epoch has ended; return whether the job is to go on."""

    def ended(self, key: Key, ending: Ending) -> None:
        """A job is over."""
