"""In: checkpoints of a training. Out: as few as are wanted, and none believed that was altered."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.files import read_json, write_manifest
from components.tasks.base import Task
from components.training import save, training_key
from components.training.checkpoint import newest
from tests.components.training.trainer import ENCODER, STEPS, Killed, Trainer, kill, same


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
