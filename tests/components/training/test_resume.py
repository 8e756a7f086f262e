"""In: a training that is stopped somewhere and started again. Out: the very same weights."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from components.errors import DivergenceError, Interrupted
from components.params import TrainingParams
from components.tasks.base import Task
from components.training import (
    Checkpoints,
    Epoch,
    Fitted,
    Step,
    Watch,
    fit,
    save,
    training_key,
)
from components.training.checkpoint import newest
from components.training.run import Run
from tests.components.training.test_fit import digest

ENCODER = "e" * 64
# 90 rows in steps of 16: the steps of an epoch.
STEPS = 6
# What was trained without a stop, by its params.
WHOLE: dict[str, Fitted] = {}


@dataclass
class Trainer:
    """Trains the toy in a folder of checkpoints, and stops where it is told to."""

    task: Task
    params: TrainingParams
    encoder: Path
    tokens: Path
    folder: Path
    minutes: float = 0.0
    taken: int = 0
    notes: list[str] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)

    @property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.folder, self.minutes, ENCODER)

    def train(self, stop: Callable[[int], None] | None = None) -> Fitted:
        """Train; `stop` is called with the number of steps that this process has taken."""
        self.taken = 0
        watch = Watch(on_epoch=self.epochs.append, on_note=self.notes.append)
        with _steps_told(self, stop):
            return fit(
                self.task, self.params, self.encoder, self.tokens, 7, watch, self.checkpoints
            )

    def unsaved(self) -> Fitted:
        """Train without stopping or saving; each params once for all tests of this file."""
        key = self.params.model_dump_json()
        if key not in WHOLE:
            WHOLE[key] = fit(self.task, self.params, self.encoder, self.tokens, 7)
        return WHOLE[key]


@contextmanager
def _steps_told(trainer: Trainer, stop: Callable[[int], None] | None) -> Iterator[None]:
    real = Run.step

    def step(run: Run, *rest: Any) -> Any:
        done = real(run, *rest)
        trainer.taken += 1
        if stop:
            stop(trainer.taken)
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "step", step)
        yield


@pytest.fixture
def trainer(
    task: Task,
    section: Callable[..., TrainingParams],
    tiny_encoder: Path,
    tokens: Path,
    tmp_path: Path,
) -> Callable[..., Trainer]:
    def make(minutes: float = 0.0, name: str = "checkpoints", **values: Any) -> Trainer:
        params = section(**({"epochs": 3, "accumulation": 2} | values))
        return Trainer(task, params, tiny_encoder, tokens, tmp_path / name, minutes)

    return make


def ask_to_end(at: int, number: int = signal.SIGTERM) -> Callable[[int], None]:
    """Send this process a signal in the middle of its step `at`."""

    def stop(taken: int) -> None:
        if taken == at:
            os.kill(os.getpid(), number)

    return stop


class Killed(BaseException):
    """Stands in for a kill: nothing that training does on the way out may matter."""


def kill(at: int) -> Callable[[int], None]:
    def stop(taken: int) -> None:
        if taken == at:
            raise Killed

    return stop


def same(one: Fitted, two: Fitted) -> None:
    assert digest(one) == digest(two)
    assert one.score == two.score
    assert one.best_epoch == two.best_epoch
    told = [(e.number, e.loss, e.metrics) for e in one.history]
    assert told == [(e.number, e.loss, e.metrics) for e in two.history]


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
    from components.training import loop

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


def test_nothing_is_saved_before_it_is_time(trainer: Callable[..., Trainer]) -> None:
    toy = trainer(minutes=60.0)
    toy.train()
    assert not toy.folder.exists()


def test_only_the_newest_two_stay(trainer: Callable[..., Trainer]) -> None:
    toy = trainer()
    toy.train()
    assert sorted(path.name for path in toy.folder.iterdir()) == [
        "epoch-00003-step-000000006",
        "epoch-00004-step-000000000",
    ]
    toy.checkpoints.remove()
    assert not toy.folder.exists()


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


@pytest.mark.parametrize(
    "change", [{"learning_rate": 4e-3}, {"epochs": 4}, {"label_smoothing": 0.1}]
)
def test_checkpoint_of_other_params_is_passed_over_and_said_so(
    trainer: Callable[..., Trainer], change: dict[str, Any]
) -> None:
    toy, other = trainer(), trainer(**change)
    with pytest.raises(Killed):
        toy.train(kill(4))
    same(other.train(), other.unsaved())
    assert other.taken == len(other.epochs) * STEPS
    assert "belongs to other data, params, code or versions" in other.notes[0]


def test_how_often_it_is_saved_is_no_part_of_the_key(
    trainer: Callable[..., Trainer], task: Task, tokens: Path
) -> None:
    toy, often = trainer(), trainer(checkpoint_minutes=0.1)
    keys = {training_key(task, params, ENCODER, tokens, 7) for params in (toy.params, often.params)}
    assert len(keys) == 1
    with pytest.raises(Killed):
        toy.train(kill(4))
    often.train()
    assert often.taken == 3 * STEPS - 3


def test_bundle_does_not_tell_how_often_it_was_saved(
    trainer: Callable[..., Trainer], task: Task, tokens: Path, tmp_path: Path
) -> None:
    toy, often = trainer(), trainer(checkpoint_minutes=0.1)
    digests = {
        save(each.unsaved(), task, tokens, {"id": "toy"}, tmp_path / "out") for each in (toy, often)
    }
    assert len(digests) == 1


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


def files_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("damage", ["cut", "flipped", "removed", "added"])
def test_newest_that_verifies_is_taken(
    trainer: Callable[..., Trainer], damage: str, tmp_path: Path
) -> None:
    """Every file of the newest is damaged, one after the other."""
    toy = trainer(epochs=2)
    with pytest.raises(Killed):
        toy.train(kill(STEPS + 3))
    older, newer = sorted(toy.folder.iterdir())
    files = files_of(newer)
    assert files == [
        "best.safetensors",
        "draws.safetensors",
        "manifest.json",
        "meter.safetensors",
        "model.safetensors",
        "optimizer.safetensors",
        "place.json",
    ]
    key = training_key(toy.task, toy.params, ENCODER, toy.tokens, 7) + "-cpu"
    parts = newest(toy.folder, key, _names(newer)).parts.keys()
    for name in files:
        path = newer / name
        content = path.read_bytes()
        for altered in _damaged(damage, content):
            spoil(path, damage, altered)
            found = newest(toy.folder, key, parts)
            assert found.folder == older, (name, damage)
            assert newer.name in found.passed[0]
            (newer / f"{name}.new").unlink(missing_ok=True)
            path.write_bytes(content)
    assert newest(toy.folder, key, parts).folder == newer
    spoil(newer / "optimizer.safetensors", "cut", b"")
    same(toy.train(), toy.unsaved())
    assert "goes on after step 1 of epoch 2; passed over" in toy.notes[-1]


def _names(folder: Path) -> list[str]:
    from components.files import read_json

    return list(read_json(folder / "place.json")["parts"])


def _damaged(damage: str, content: bytes) -> list[bytes]:
    if damage == "cut":
        return [content[:at] for at in (0, len(content) // 2, len(content) - 2)]
    if damage == "flipped":
        places = (0, len(content) // 3, len(content) // 2, len(content) - 2)
        return [content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :] for at in places]
    return [content]


def spoil(path: Path, damage: str, content: bytes) -> None:
    if damage == "removed":
        path.unlink()
    elif damage == "added":
        path.with_name(f"{path.name}.new").write_bytes(content)
    else:
        path.write_bytes(content)


def test_checkpoint_runs_no_code(
    trainer: Callable[..., Trainer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pickle under the name of the weights, with a manifest that fits, is refused unopened."""
    import pickle

    from components.files import write_manifest

    class Poison:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    toy = trainer()
    with pytest.raises(Killed):
        toy.train(kill(4))
    for folder in toy.folder.iterdir():
        (folder / "model.safetensors").write_bytes(pickle.dumps(Poison()))
        write_manifest(folder)
    same(toy.train(), toy.unsaved())
    assert not (tmp_path / "ran").exists()
    assert "starts anew" in toy.notes[0]


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
