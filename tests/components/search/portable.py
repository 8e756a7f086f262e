"""In: nothing. Out: objectives that can be sent to another process."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import DivergenceError, Interrupted
from components.params import TrainingParams
from components.search import Report

PATIENCE = 60.0


@dataclass(frozen=True)
class Noted:
    """Scores by the values, and notes in a folder which process trained what."""

    folder: Path

    def __call__(self, training: TrainingParams, seed: int, report: Report, /) -> float:
        self.note("begun", training)
        for epoch in range(1, training.epochs + 1):
            self.epoch(training, epoch, report)
            report.curve("loss", epoch, 1 / epoch)
            report(epoch, self.score(training) * epoch / training.epochs)
        self.note("done", training)
        return self.score(training)

    def score(self, training: TrainingParams) -> float:
        return 0.5 + training.dropout + training.learning_rate

    def epoch(self, training: TrainingParams, epoch: int, report: Report) -> None:
        """Do what an epoch does."""

    def note(self, what: str, training: TrainingParams) -> None:
        with (self.folder / what).open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {os.getppid()} {training.learning_rate}\n")

    def noted(self, what: str) -> list[tuple[int, int, float]]:
        path = self.folder / what
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [(int(a), int(b), float(c)) for a, b, c in (line.split() for line in lines)]


@dataclass(frozen=True)
class Dying(Noted):
    """Kills its own process in the second epoch, so many times for each trial but the first."""

    times: int

    def epoch(self, training: TrainingParams, epoch: int, report: Report) -> None:
        rates = [rate for *_, rate in self.noted("begun")]
        often = rates.count(training.learning_rate) > self.times
        if epoch == 2 and training.learning_rate != rates[0] and not often:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class DyingAgain(Noted):
    """Kills its own process whenever it trains the best values with another seed than the first."""

    own: int

    def __call__(self, training: TrainingParams, seed: int, report: Report, /) -> float:
        if seed == self.own:
            return super().__call__(training, seed, report)
        scores = [0.5 + rate for *_, rate in self.noted("done")]
        if 0.5 + training.learning_rate == max(scores):
            os.kill(os.getpid(), signal.SIGKILL)
        return self.score(training)

    def score(self, training: TrainingParams) -> float:
        return 0.5 + training.learning_rate


@dataclass(frozen=True)
class Saving(Noted):
    """Keeps a checkpoint, dies once in its last epoch, and goes on from where it was."""

    def __call__(self, training: TrainingParams, seed: int, report: Report, /) -> float:
        self.note("begun", training)
        assert report.checkpoints
        report.checkpoints.mkdir(parents=True, exist_ok=True)
        saved = report.checkpoints / "epoch"
        done = int(saved.read_text()) if saved.exists() else 0
        for epoch in range(1, training.epochs + 1):
            if epoch > done:
                self.note("trained", training)
                if epoch == training.epochs and not done:
                    os.kill(os.getpid(), signal.SIGKILL)
            report(epoch, epoch / 10)
            saved.write_text(str(max(epoch, done) if epoch > 1 else done))
        return self.score(training)


@dataclass(frozen=True)
class Together(Noted):
    """Ends only when so many are running at once."""

    count: int

    def epoch(self, training: TrainingParams, epoch: int, report: Report) -> None:
        end = time.monotonic() + PATIENCE
        while len(self.noted("begun")) < self.count:
            assert time.monotonic() < end, "the others never began"
            time.sleep(0.01)


@dataclass(frozen=True)
class Waiting(Noted):
    """Waits to be ended, and then saves: as a real training does."""

    def epoch(self, training: TrainingParams, epoch: int, report: Report) -> None:
        if (self.folder / "go").exists():
            return

        def save(*_: Any) -> None:
            self.note("saved", training)
            raise Interrupted("ended by a signal")

        signal.signal(signal.SIGTERM, save)
        self.note("waits", training)
        time.sleep(PATIENCE)


@dataclass(frozen=True)
class Failing(Noted):
    """Ends otherwise than well, once."""

    how: str

    def epoch(self, training: TrainingParams, epoch: int, report: Report) -> None:
        if len(self.noted("begun")) != 2:
            return
        if self.how == "diverges":
            raise DivergenceError("loss must be finite, found nan by step 3")
        if self.how == "reports nan":
            report(epoch, float("nan"))
        if self.how == "breaks":
            raise ZeroDivisionError("a fault of the program")
        if self.how == "exits":
            raise SystemExit(3)
