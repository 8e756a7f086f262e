"""In: a run. Out: its epochs, step by step, from wherever it stopped."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from components.seeding import generator
from components.training.batches import Rows
from components.training.contrastive import contrast
from components.training.interrupt import Asked
from components.training.memory import Memory, persist
from components.training.meter import Done, Meter
from components.training.optimizer import set_rate
from components.training.parallel import part_ways, redo_alone
from components.training.parts import Draws, Moments, Place, Weights
from components.training.run import Run, epoch_batches, steps_of
from components.training.saver import Saver
from components.training.scoring import BATCH_SIZE, score
from components.training.state import Part, State
from components.training.stopping import Best
from components.training.watch import Epoch, Watch

if TYPE_CHECKING:
    import torch


class TornError(Exception):
    """Memory ran out amid an update: some weights have taken the step, others not."""


@dataclass(frozen=True)
class _Sums:
    """The meter as a part: what is not yet fetched lies on the run's device."""

    meter: Meter
    device: torch.device

    def state(self) -> State:
        return self.meter.state()

    def load(self, state: State) -> None:
        self.meter.load(state, self.device)


@dataclass
class Loop:
    """Trains until the epochs or the patience run out.

    Between two steps all that the rest depends on is in `parts`: there it saves, stops and resumes.

    Attributes:
        run: what trains.
        seed: the batches of an epoch derive from it and the epoch's number.
        watch: is told.
        memory: how small the micro-batches have become.
        asked: whether the process was asked to end.
        saver: saves; None: nothing is saved.
    """

    run: Run
    seed: int
    watch: Watch
    memory: Memory
    asked: Asked
    saver: Saver | None
    place: Place = field(default_factory=Place)
    best: Best = field(init=False)
    meter: Meter = field(init=False)
    draws: Draws = field(init=False)
    parts: Mapping[str, Part] = field(init=False)

    def __post_init__(self) -> None:
        run, params = self.run, self.run.params
        device = run.accelerator.device
        steps = steps_of(params, run.train.lengths)
        self.best, self.meter = Best(params.patience), Meter(self.watch, steps)
        self.draws = Draws(device)
        self.parts = {
            "place": self.place,
            "model": Weights(run.plain),
            "optimizer": Moments(run.optimizer),
            "average": run.average,
            "ranks": run.ranks,
            "draws": self.draws,
            "best": self.best,
            "meter": _Sums(self.meter, device),
            "memory": self.memory,
        }

    def train(self) -> None:
        """Train what is left to train.

        Raises:
            Interrupted: the process was asked to end; the running step is done and saved.
            DivergenceError: a number is not finite.
            CapacityError: a single example does not fit into memory.
            TornError: the run is lost, and must start again from its last checkpoint.
        """
        with self.saver or contextlib.nullcontext():
            self._train()

    def _train(self) -> None:
        """Resume if there is something to go on from, and take what is left."""
        saver, params = self.saver, self.run.params
        if saver and saver.resume(self.place, self.parts):
            part_ways(self.run.accelerator)
            for epoch in self.place.history:
                self.watch.on_epoch(epoch)
        else:
            contrast(self.run, self.seed, self.asked, self.watch.on_note)
            if saver and params.contrastive_epochs:
                # The start is worth saving now.
                saver.saved = None
        while self.place.epoch <= params.epochs and not self.best.exhausted:
            self._epoch()
            self._score()
            self.watch.on_epoch(self.place.history[-1])
        self._pause()

    def _epoch(self) -> None:
        """Take the steps of the running epoch that are left."""
        place = self.place
        draw = generator(self.seed, "batches", place.epoch)
        batches = epoch_batches(self.run.params, self.run.train.lengths, draw)
        if place.step == 0:
            self.meter.begin(place.epoch)
        for batch in batches[place.step :]:
            self._pause()
            self._step(batch)
            place.step += 1
        self._pause()
        self.meter.report()

    def _step(self, batch: Rows) -> None:
        """Take one step; when memory runs out, the same step again, of smaller micro-batches."""
        run, number = self.run, self.meter.number
        rate = set_rate(run.optimizer, run.params, number, self.meter.steps)
        drawn = self.draws.state()

        def work() -> Done:
            return run.step(batch, self.memory.accumulation)

        def again(reason: str) -> None:
            redo_alone(run.accelerator, reason)
            self.memory.halve_step(number + 1, reason)
            if run.torn(number):
                raise TornError
            run.optimizer.zero_grad()
            self.draws.load(drawn)

        self.meter.add(persist(work, again), rate)

    def _score(self) -> None:
        """Score the epoch, keep its weights if they are the best, and go over to the next."""
        run, meter, task = self.run, self.meter, self.run.train.task

        def again(reason: str) -> None:
            run.model.train()
            self.memory.halve_scoring(BATCH_SIZE, reason)

        def work() -> dict[str, float]:
            with run.average.applied():
                metrics = score(run.model, run.validation, self.memory.shrink)
                self.best.offer(run.plain, metrics[task.metric])
            return metrics

        metrics = persist(work, again)
        self.place.finish(
            Epoch(
                number=self.place.epoch,
                epochs=run.params.epochs,
                loss=meter.loss / max(1, meter.learned),
                score=metrics[task.metric],
                metrics=metrics,
                seconds=meter.seconds,
            )
        )

    def _pause(self) -> None:
        if self.saver:
            self.saver.pause(self.place, self.parts, self.asked, self.meter)
