"""In: a training that gets a signal. Out: the running step saved, and none lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from components.errors import Interrupted
from components.training import fit
from components.training.run import Run
from tests.components.training.trainer import STEPS, Trainer, ask_to_end, same


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    ("at", "number"),
    [
        (1, signal.SIGTERM),
        (4, signal.SIGINT),
        (STEPS, signal.SIGTERM),
        (2 * STEPS + 3, signal.SIGTERM),
        (3 * STEPS, signal.SIGINT),
    ],
)
def test_signal_saves_the_running_step_and_no_step_is_lost(
    trainer: Callable[..., Trainer], at: int, number: int
) -> None:
    toy = trainer(minutes=60.0)
    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match=rf"{signal.Signals(number).name} came.*after step {at}"):
        toy.train(ask_to_end(at, number))
    assert signal.getsignal(number) is before
    assert toy.taken == at
    same(toy.train(), toy.unsaved())
    assert toy.taken == 3 * STEPS - at


@pytest.mark.usefixtures("interruptible")
def test_second_signal_does_what_it_did_before(trainer: Callable[..., Trainer]) -> None:
    toy = trainer(minutes=60.0)

    def impatient(taken: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        toy.train(impatient)


def test_training_without_checkpoints_leaves_signals_alone(
    trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = trainer()
    before, seen = signal.getsignal(signal.SIGTERM), []
    real = Run.step

    def step(run: Run, *rest: Any) -> Any:
        seen.append(signal.getsignal(signal.SIGTERM))
        return real(run, *rest)

    monkeypatch.setattr(Run, "step", step)
    fit(toy.task, toy.params, toy.encoder, toy.tokens, 7)
    assert set(seen) == {before}
