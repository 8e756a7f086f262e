"""In: a training that is stopped somewhere and started again. Out: the very same weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from components.errors import DivergenceError, Interrupted
from components.tasks.base import Task
from components.training import Step, Watch, fit, loop, save
from components.training.run import Run
from tests.components.training.trainer import STEPS, Killed, Trainer, ask_to_end, kill, same


@pytest.mark.parametrize(
    ("at", "accumulation"), [(1, 1), (3, 2), (STEPS, 2), (STEPS + 1, 2), (3 * STEPS - 1, 1)]
)
def test_training_that_was_killed_goes_on_to_the_same_weights(
    trainer: Callable[..., Trainer], accumulation: int, at: int
) -> None:
    """In the middle of an epoch, at its end, in the next one, and just before the last step."""
    toy = trainer(accumulation=accumulation)
    with pytest.raises(Killed):
        toy.train(kill(at))
    same(toy.train(), toy.unsaved())
    # The step in which it was killed is done again, and none before it.
    assert toy.taken == 3 * STEPS - (at - 1)


def test_training_that_is_killed_at_every_step_comes_to_its_end_all_the_same(
    trainer: Callable[..., Trainer],
) -> None:
    toy = trainer(epochs=2)
    for _ in range(2 * STEPS - 1):
        with pytest.raises(Killed):
            toy.train(kill(2))
    assert toy.taken == 2
    same(toy.train(), toy.unsaved())


def test_patience_and_the_best_weights_outlive_a_kill(
    trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = {1: 0.4, 2: 0.6, 3: 0.6, 4: 0.5}
    real = loop.Loop._score

    def scored(of: Any) -> None:
        monkeypatch.setattr(
            loop, "score", lambda *_: {"accuracy": 0.0, "macro_f1": scores[of.place.epoch]}
        )
        real(of)

    monkeypatch.setattr(loop.Loop, "_score", scored)
    toy = trainer(epochs=9, patience=2)
    whole = fit(toy.task, toy.params, toy.encoder, toy.tokens, 7)
    with pytest.raises(Killed):
        toy.train(kill(3 * STEPS + 2))
    again = toy.train()
    same(again, whole)
    assert (again.best_epoch, len(again.history)) == (2, 4)


def test_finished_epochs_are_told_again_and_what_was_taken_is_said(
    trainer: Callable[..., Trainer],
) -> None:
    toy = trainer()
    with pytest.raises(Killed):
        toy.train(kill(2 * STEPS + 3))
    told = list(toy.epochs)
    toy.epochs.clear()
    toy.train()
    assert toy.epochs[:2] == told
    assert [epoch.number for epoch in toy.epochs] == [1, 2, 3]
    assert toy.notes == ["goes on after step 2 of epoch 3"]


def test_training_that_was_done_is_not_done_again(trainer: Callable[..., Trainer]) -> None:
    toy = trainer()
    whole = toy.train()
    same(toy.train(), whole)
    assert toy.taken == 0


def test_three_runs_resumed_and_not_have_one_digest(
    trainer: Callable[..., Trainer], task: Task, tokens: Path, tmp_path: Path
) -> None:
    digests = []
    for name, stops in {"whole": (), "once": (5,), "thrice": (3, 6, 4)}.items():
        toy = trainer(name=name)
        for at in stops:
            with pytest.raises(Interrupted):
                toy.train(ask_to_end(at))
        digests.append(save(toy.train(), task, tokens, {"id": "toy"}, tmp_path / f"{name}-out"))
    assert len(set(digests)) == 1
    assert len(digests) == 3


def test_training_that_diverged_diverges_again_from_its_checkpoint(
    trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = trainer(batch_size=8)

    def spoil_weights(run: Run, *rest: Any) -> Any:
        toy.taken += 1
        if toy.taken == 3:
            with torch.no_grad():
                next(run.model.parameters()).fill_(float("nan"))
        return real(run, *rest)

    real = Run.step
    monkeypatch.setattr(Run, "step", spoil_weights)
    for _ in range(2):
        with pytest.raises(DivergenceError, match="must be finite, found nan by step 10"):
            fit(toy.task, toy.params, toy.encoder, toy.tokens, 7, Watch(), toy.checkpoints)


def test_steps_go_on_counting(trainer: Callable[..., Trainer]) -> None:
    toy, steps = trainer(minutes=60.0, batch_size=8), list[Step]()
    with pytest.raises(Interrupted):
        toy.train(ask_to_end(13))
    fit(toy.task, toy.params, toy.encoder, toy.tokens, 7, Watch(steps.append), toy.checkpoints)
    assert [(step.number, step.epoch) for step in steps] == [(20, 2), (24, 2), (30, 3), (36, 3)]
