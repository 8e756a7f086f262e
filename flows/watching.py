"""In: what a search does. Out: the same on the board, and each training that ended in MLflow."""

from __future__ import annotations

from typing import Literal

from components.params import SearchParams
from components.registry import Registry, log_trial
from components.registry import Trial as Logged
from components.search import Retraining, SearchWatch, Trial, arm_of
from components.training import Step
from flows.progress import Board


class Watching:
    """Shows a search, and keeps its books.

    Args:
        board: where it is shown.
        books: where each training that ended is written.
        run: of the study.
        params: how many are asked for.
    """

    def __init__(self, board: Board, books: Registry, run: str, params: SearchParams) -> None:
        self._board, self._books, self._run, self._params = board, books, run, params
        self._ended = self._retrained = 0
        self._best: Trial | None = None

    def watch(self) -> SearchWatch:
        """Return what the search tells."""
        return SearchWatch(
            on_start=lambda _: self._whole(),
            on_end=self.ended,
            on_restart=lambda _, __: self._whole(),
            on_retrained=self.retrained,
            on_arm=self.arm,
            on_step=self.step,
            on_died=self.died,
            on_note=self._board.line,
            on_epoch=lambda number, round_, epoch, score: self._board.epoch(
                name(number, round_), epoch, score
            ),
        )

    def step(self, number: int, round_: int, step: object) -> None:
        """Show where a training stands."""
        if isinstance(step, Step):
            self._board.step(name(number, round_), step)

    def ended(self, trial: Trial) -> None:
        """Write a trial into the books, and show how it ended."""
        log_trial(
            self._books,
            self._run,
            Logged(
                trial.number,
                trial.values,
                trial.scores,
                trial.state,
                curves=trial.curves,
                reason=trial.reason,
            ),
        )
        self._ended += 1
        if trial.state == "complete" and (self._best is None or _score(trial) > _score(self._best)):
            self._best = trial
        told = trial.reason or ("" if trial.score is None else f"{trial.score:.4f}")
        self._whole()
        self._board.end(name(trial.number, 0), f"{trial.state}: {told}")

    def retrained(self, again: Retraining) -> None:
        """Write a further training into the books, and show how it ended."""
        state: Literal["failed", "complete"] = "failed" if again.score is None else "complete"
        log_trial(
            self._books,
            self._run,
            Logged(
                again.trial,
                again.values,
                again.scores,
                state,
                again.round,
                curves=again.curves,
                reason=again.reason,
            ),
        )
        self._retrained += 1
        told = again.reason or ("" if again.score is None else f"{again.score:.4f}")
        self._whole()
        self._board.end(name(again.trial, again.round), f"{state}: {told}")

    def arm(self, training: Retraining) -> None:
        """Show how a training with altered copies or without ended; the report tells the rest."""
        told = training.reason or ("" if training.score is None else f"{training.score:.4f}")
        self._board.end(name(training.trial, training.round), told)

    def died(self, number: int, round_: int, reason: str, again: bool) -> None:
        """Tell of a process that died."""
        then = "it is done again" if again else "it has failed"
        self._board.end(name(number, round_))
        self._board.line(f"{name(number, round_)}: {reason}; {then}")

    def _whole(self) -> None:
        """Show how many trials, and further seeds of the finalists, have ended."""
        best = self._best
        note = f"best {_score(best):.4f} (trial {best.number})" if best else ""
        finalists = self._params.finalists
        if self._retrained or self._ended >= self._params.trials:
            most = finalists.trials * finalists.seeds
            self._board.overall("finalists", self._retrained, most, note)
        else:
            self._board.overall("trials", self._ended, self._params.trials, note)


def name(number: int, round_: int) -> str:
    """Return what a training is called; round 0 is the trial itself, see also `arm_of`."""
    if arm := arm_of(round_):
        return f"with{'' if arm.copies else 'out'} altered copies, seed {arm.seed}"
    return f"finalist {number}, seed {round_ + 1}" if round_ else f"trial {number}"


def _score(trial: Trial) -> float:
    return trial.score if trial.score is not None else float("-inf")
