"""In: trials that have ended. Out: some of them trained again, as work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from components.search.jobs import Curves, Ending, Job, Key
from components.search.retrainings import Retraining
from components.search.setup import Setup, merged


class Again(ABC):
    """Further trainings: none is pruned, and one that dies is done again with the same seed.

    Args:
        setup: of the search.
        most: how many may train at once.
    """

    def __init__(self, setup: Setup, most: Callable[[], int]) -> None:
        self.most, self._setup = most, setup
        self._waiting: list[Key] = []
        self._scores: dict[Key, dict[int, float]] = {}
        self._curves: dict[Key, Curves] = {}
        self._deaths: dict[Key, list[Ending]] = {}

    def stepped(self, key: Key, step: object) -> None:
        """Hand on."""
        self._setup.watch.on_step(*key, step)

    def reported(self, key: Key, epoch: int, score: float, curves: Curves) -> bool:
        """Note the score; it always goes on."""
        self._scores[key][epoch] = score
        self._setup.watch.on_epoch(*key, epoch, score)
        self._curves[key] = merged(self._curves.get(key, {}), curves)
        return True

    def ended(self, key: Key, ending: Ending) -> None:
        """Keep what has ended; one that died is done again."""
        if ending.how == "interrupted":
            return
        reason = ending.reason
        if ending.how == "died":
            deaths = self._deaths.setdefault(key, [])
            deaths.append(ending)
            again = len(deaths) < self._setup.params.attempts
            self._setup.watch.on_died(*key, str(reason), again)
            if again:
                self._waiting.insert(0, key)
                return
            reason = f"its process died {len(deaths)} times, the last time {reason}"
        self._keep(key, ending, None if ending.how == "complete" else reason)

    def _begin(self, key: Key, values: Mapping[str, Any], seed: int) -> Job:
        self._setup.watch.on_restart(*key)
        self._scores[key] = {}
        return self._setup.job(*key, values, seed)

    @abstractmethod
    def _keep(self, key: Key, ending: Ending, reason: str | None) -> None:
        """Write down what has ended."""

    def _record(
        self, key: Key, values: Mapping[str, Any], ending: Ending, reason: str | None
    ) -> Retraining:
        deaths = self._deaths.get(key, [])
        return Retraining(
            trial=key[0],
            values=dict(values),
            round=key[1],
            score=ending.score,
            scores=self._scores[key],
            seconds=ending.seconds + sum(each.seconds for each in deaths),
            reason=reason,
            attempts=len(deaths) + (ending.how != "died"),
            memory=ending.memory,
            worker=ending.worker,
            curves=merged(self._curves.get(key, {}), ending.curves),
        )
