"""In: jobs. Out: who trains them, one protocol for all."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from components.errors import DivergenceError
from components.search.jobs import Ending, Job, Listener
from components.search.objective import Objective, Pruned, Report, finite


@dataclass(frozen=True)
class Room:
    """What there is for jobs.

    Attributes:
        cores: at most so many jobs.
        memory: bytes that are free now.
    """

    cores: int
    memory: int


class Engine(Protocol):
    """Trains jobs, where and how it likes; one thread calls it."""

    def start(self, job: Job, workers: int) -> None:
        """Start a job as one of at most so many at once."""

    def wait(self, listener: Listener, seconds: float) -> None:
        """Wait until a job tells something, or so long; hand on all that was told."""

    def stop(self, listener: Listener) -> None:
        """Ask all jobs to save and end, hand on what they tell, and end those that do not."""

    def room(self) -> Room:
        """Return what jobs may use."""

    def __enter__(self) -> Self:
        """Get ready, without waiting for it."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what still runs."""


def attempt(objective: Objective, job: Job, report: Report) -> Ending:
    """Train, and return how it ended; an interruption or a fault of the program is raised."""
    try:
        score = finite(objective(job.training, job.seed, report))
    except Pruned:
        return Ending("pruned")
    except DivergenceError as error:
        return Ending("diverged", reason=error.what)
    return Ending("complete", score=score)
