"""In: the arguments of a search. Out: the same, as what its parts share."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.params import SearchParams, TrainingParams
from components.search.jobs import Curves, Job
from components.search.objective import section_of
from components.search.searched import SearchWatch
from components.search.study import StudyPlace


@dataclass(frozen=True)
class Setup:
    """What a search was given.

    Attributes:
        params: the search section.
        training: the training section, which each trial's values are laid over.
        seed: of the draws, and of every trial's training; further seeds derive from it.
        place: where what has ended is kept.
        watch: told of every training.
    """

    params: SearchParams
    training: TrainingParams
    seed: int
    place: StudyPlace
    watch: SearchWatch

    def job(self, number: int, round_: int, values: Mapping[str, Any], seed: int) -> Job:
        """Return a training with a trial's values."""
        return Job(
            number,
            round_,
            section_of(self.params, self.training, values, number),
            seed,
            self.place.checkpoints_of(number, round_),
        )

    def forget(self, number: int, round_: int) -> None:
        """Delete the checkpoints of a training that has ended."""
        if folder := self.place.checkpoints_of(number, round_):
            shutil.rmtree(folder, ignore_errors=True)


def deadline(minutes: float | None, now: float) -> float:
    """Return when so many minutes are over; never, when there is no limit."""
    return now + 60 * (minutes or math.inf)


def merged(first: Curves, second: Curves) -> Curves:
    """Return both curves' points; of the same point, the second's."""
    names = dict.fromkeys((*first, *second))
    return {name: {**first.get(name, {}), **second.get(name, {})} for name in names}
