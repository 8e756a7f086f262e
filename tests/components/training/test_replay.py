"""In: steps of several shapes. Out: those met before are replayed, and compute the same."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from components.params import DistillationParams, TrainingParams
from components.tasks.base import Task
from components.training import fit
from components.training.device import accelerated, repeatable
from components.training.distil import open_soft, write_soft
from components.training.replay import MOST, WAITED, Replays, _Recorded
from components.training.run import replays, start

Section = Callable[..., TrainingParams]
GPU = SimpleNamespace(device=torch.device("cuda"), num_processes=1)


class Steps:
    """Adds up what it is given, as a training does, and counts how it came to do so."""

    def __init__(self, waits: int = 0) -> None:
        self.waits, self.taken = waits, 0
        self.total = torch.zeros(())

    def __call__(
        self, inputs: Mapping[str, torch.Tensor], targets: torch.Tensor, share: torch.Tensor
    ) -> torch.Tensor:
        self.taken += 1
        if self.taken <= self.waits:
            warnings.warn(f"called a {WAITED}", stacklevel=1)
        self.total += share * (inputs["ids"].sum() + targets.sum())
        return torch.stack([self.total, share])


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Stand in for CUDA's graphs, which do again what was recorded, where it reads and writes."""
    made: list[Any] = []

    def record(self: Replays, key: Any, inputs: Any, targets: Any, work: Steps) -> _Recorded:
        given = {name: value.clone() for name, value in inputs.items()}
        wanted, share, told = targets.clone(), torch.ones(()), torch.zeros(2)
        graph = SimpleNamespace(replay=lambda: told.copy_(work(given, wanted, share)))
        one = _Recorded(graph, given, wanted, share, told)  # type: ignore[arg-type]
        self._recorded[key] = one
        made.append(key)
        return one

    monkeypatch.setattr(Replays, "_record", record)
    monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda: 0)
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", lambda mode: None)
    return made


def batch(rows: int, value: int) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    return {"ids": torch.full((rows, 3), value)}, torch.full((rows,), value)


def test_a_step_of_a_shape_met_before_is_replayed_with_its_own_values(recorded: list[Any]) -> None:
    work, one = Steps(), Replays(torch.device("cpu"))
    expected, told = 0.0, []
    for rows, value in [(2, 1), (2, 5), (4, 3), (2, 7), (4, 2)]:
        told.append(one.step(*batch(rows, value), 1 / rows, work))
        expected += (rows * 3 * value + rows * value) / rows
        assert told[-1].tolist() == pytest.approx([expected, 1 / rows])
    assert len(recorded) == 2
    assert told[1][0] == 24.0, "what was told of a step stays"


def test_what_waits_once_is_replayed_from_the_third_step_on(recorded: list[Any]) -> None:
    work, one = Steps(waits=1), Replays(torch.device("cpu"))
    for step in range(3):
        assert len(recorded) == 0
        one.step(*batch(2, step), 1.0, work)
    assert len(recorded) == 1
    assert one.on


def test_what_waits_twice_is_never_recorded(recorded: list[Any]) -> None:
    work, one = Steps(waits=2), Replays(torch.device("cpu"))
    for step in range(4):
        one.step(*batch(2, step), 1.0, work)
    assert not one.on
    assert not recorded
    assert work.total.item() == 2 * 4 * (0 + 1 + 2 + 3)


def test_rare_shapes_are_left_alone(recorded: list[Any]) -> None:
    work, one = Steps(), Replays(torch.device("cpu"))
    for rows in [*range(1, MOST + 3)] * 3:
        one.step(*batch(rows, 1), 1.0, work)
    assert len(recorded) == MOST
    assert work.total.item() == 3 * sum(4 * rows for rows in range(1, MOST + 3))


def test_a_step_as_a_graph_takes_it_equals_an_ordinary_one(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    states = []
    for whole in (False, True):
        with repeatable(3), accelerated("fp32") as accelerator:
            run = start(task, section(), tiny_encoder, tokens, accelerator)
            for first in (0, 16, 32):
                rows = np.arange(first, first + 16)
                if whole:
                    inputs, targets = run.train.inputs(rows), run.train.targets(rows)
                    loss, norm = run._whole(inputs, targets, torch.tensor(1 / 16)).unbind()
                else:
                    done = run.step(rows, 1)
                    loss, norm = done.loss, done.norm
            states.append({**run.plain.state_dict(), "told": torch.stack([loss, norm])})
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("values", "expected"),
    [({}, True), ({"accumulation": 2}, False), ({"adversarial": 1.0}, False),
     ({"adapter": "adalora"}, False), ({"adapter": "lora"}, True), ({"averaging": 0.9}, True)],
)  # fmt: skip
def test_steps_are_replayed_where_each_is_one_pass(
    task: Task, section: Section, values: dict[str, Any], expected: bool
) -> None:
    assert replays(task, section(**values), None, GPU) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize("other", [{"device": torch.device("cpu")}, {"num_processes": 2}])
def test_steps_are_replayed_on_one_gpu_alone(
    task: Task, section: Section, other: dict[str, Any]
) -> None:
    where = SimpleNamespace(**{**vars(GPU), **other})
    assert not replays(task, section(), None, where)  # type: ignore[arg-type]


def test_answers_of_teachers_are_looked_up_by_row_and_not_replayed(
    task: Task, section: Section, tokens: Path, tmp_path: Path
) -> None:
    options = DistillationParams(teachers=1, values="winner", temperature=2.0, share=0.5)
    write_soft(tokens, [np.zeros((90, 3), dtype=np.float32)], options, tmp_path / "taught")
    soft = open_soft(tmp_path / "taught", torch.device("cpu"))
    assert soft is not None
    assert not replays(task, section(), soft, GPU)  # type: ignore[arg-type]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_training_on_a_gpu_repeats_to_the_bit(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    first, second = (fit(task, section(epochs=3), tiny_encoder, tokens, 7) for _ in range(2))
    for name, value in first.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name])
