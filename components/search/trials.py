"""In: trials as Optuna keeps them. Out: trials in the order and the words that users see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from components.search.book import NUMBER, REASON, STATES, VALUES, State
from components.search.jobs import Curves, Ending
from components.search.objective import DeviceUse
from components.search.pruning import Curve, Cut, as_json, from_json

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

ATTEMPTS: Final = "attempts"
DEATHS: Final = "deaths"
ORIGIN: Final = "origin"
STARTED: Final = "started"
# Epochs that the study had spent when the trial was asked for.
SPENT: Final = "spent"
# What was measured, in one attribute: each write waits for the disk.
TOLD: Final = "told"


@dataclass(frozen=True)
class Trial:
    """A trial that has ended.

    Attributes:
        number: from 0, without gaps; an attempt that was killed takes none.
        state: failed means that training diverged, or that its process died again and again.
        values: of every searched field.
        score: of the whole trial, the last one of a pruned trial, None of a failed one.
        scores: by epoch.
        seconds: of all attempts whose end was seen, their processes' starts included.
        attempts: killed or interrupted ones and the one that ended.
        reason: why it failed or was pruned, in one sentence.
        cut: why it was pruned, in figures.
        memory: bytes at the last attempt's peak, without what it shares with the fork server.
        device_memory: bytes of an accelerator at the last attempt's peak.
        worker: where the last attempt ran.
        origin: of a warm-started trial, the study and the trial that its values come from.
        started: unix time of the first attempt.
        curves: name to points, by step or epoch.
    """

    number: int
    state: State
    values: Mapping[str, Any]
    score: float | None
    scores: Mapping[int, float]
    seconds: float
    attempts: int
    reason: str | None
    cut: Cut | None = None
    memory: int | None = None
    device_memory: int | None = None
    worker: str | None = None
    origin: str | None = None
    started: float | None = None
    curves: Curves = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """How many epochs it spent."""
        return len(self.scores)


def read_trial(frozen: FrozenTrial) -> Trial:
    """Return one ended trial in the user's terms."""
    notes, told = frozen.user_attrs, frozen.user_attrs.get(TOLD, {})
    cut = from_json(told["cut"]) if told.get("cut") else None
    device = told.get("device")
    return Trial(
        number=int(notes[NUMBER]),
        state=STATES[frozen.state.name],
        values=notes[VALUES],
        score=frozen.value,
        scores=dict(sorted(frozen.intermediate_values.items())),
        seconds=told.get("seconds", 0.0),
        attempts=notes.get(ATTEMPTS, 1),
        reason=cut.reason if cut else notes.get(REASON),
        cut=cut,
        memory=told.get("memory"),
        device_memory=device["used"] if device else None,
        worker=told.get("worker"),
        origin=notes.get(ORIGIN),
        started=notes.get(STARTED),
        curves={
            name: {int(at): value for at, value in points.items()}
            for name, points in told.get("curves", {}).items()
        },
    )


def curves_of(trials: Sequence[FrozenTrial]) -> dict[int, Curve]:
    """Return what the pruner judges by, by number."""
    return {
        int(trial.user_attrs[NUMBER]): Curve(
            trial.intermediate_values, trial.state.name == "COMPLETE"
        )
        for trial in trials
    }


def seconds_of(frozen: FrozenTrial) -> float:
    """Return how long the attempts took whose end was seen."""
    return float(frozen.user_attrs.get(TOLD, {}).get("seconds", 0.0))


def use_of(trials: Sequence[FrozenTrial]) -> tuple[int | None, DeviceUse | None]:
    """Return what the first trial that was measured took: bytes of memory, and of a device."""
    for trial in trials:
        told = trial.user_attrs.get(TOLD, {})
        if trial.state.is_finished() and told.get("memory") is not None:
            device = told.get("device")
            return told["memory"], DeviceUse(**device) if device else None
    return None, None


def told_of(ending: Ending, before: float, curves: Curves, cut: Cut | None) -> dict[str, Any]:
    """Return what is noted of an attempt.

    Args:
        ending: how it ended.
        before: seconds of the attempts before it.
        curves: all that it told.
        cut: why it was pruned, or None.
    """
    return {
        "seconds": before + ending.seconds,
        "memory": ending.memory,
        "device": vars(ending.device) if ending.device else None,
        "worker": ending.worker,
        "cut": as_json(cut) if cut else None,
        "curves": {
            name: {str(at): value for at, value in points.items()}
            for name, points in curves.items()
        },
    }
