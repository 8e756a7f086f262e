"""In: steps of which some targets are not learned from. Out: each that is counts alike."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from components.params import TrainingParams
from components.tasks.base import IGNORED, Task
from components.tokens import array_path
from components.training import Step, Watch
from components.training.batches import learned
from components.training.meter import Done, Meter
from tests.components.training.ways import BATCH, Tensors, close, gradients, running

# Of ten rows: of the parts that a step is cut into, one has all of its rows and one has none.
MASKED = np.array([5, 7, 8, 9])


@pytest.fixture
def masked(tokens: Path, tmp_path: Path) -> Path:
    """The toy tokens, some of the first rows without a label."""
    folder = tmp_path / "masked"
    shutil.copytree(tokens, folder)
    path = array_path(folder, "train", "targets")
    targets = np.load(path)
    targets[MASKED] = IGNORED
    np.save(path, targets)
    return folder


def test_targets_are_counted_wherever_they_stand() -> None:
    assert learned(np.array([0, 2, IGNORED, 1])) == 3
    assert learned(np.array([[0, 1, 2, IGNORED], [1, IGNORED, IGNORED, IGNORED]])) == 4
    assert learned(np.full((2, 3), IGNORED)) == 0


@pytest.mark.parametrize("accumulation", [1, 2, 4, 10])
def test_step_is_the_mean_over_its_targets_however_it_is_cut(
    task: Task,
    section: Callable[..., TrainingParams],
    tiny_encoder: Path,
    masked: Path,
    accumulation: int,
) -> None:
    with running(task, section(dropout=0.0), tiny_encoder, masked) as run:
        found = gradients(run, accumulation)
        logits = run.model(**run.train.inputs(BATCH)).logits
        cross_entropy(logits, run.train.targets(BATCH), ignore_index=IGNORED).backward()
        expected: Tensors = {
            name: weight.grad
            for name, weight in run.plain.named_parameters()
            if weight.grad is not None
        }
        close(found, expected)


def test_step_without_any_target_moves_nothing(
    task: Task, section: Callable[..., TrainingParams], tiny_encoder: Path, masked: Path
) -> None:
    with running(task, section(weight_decay=0.0), tiny_encoder, masked) as run:
        before = {name: weight.clone() for name, weight in run.plain.named_parameters()}
        done = run.step(MASKED, 2)
        assert (done.learned, done.examples, done.loss.item()) == (0, 4, 0.0)
        assert all(torch.equal(before[n], w) for n, w in run.plain.named_parameters())


def test_loss_that_is_told_is_the_mean_over_targets() -> None:
    told: list[Step] = []
    meter = Meter(Watch(on_step=told.append), steps=4)
    meter.begin(1)
    for loss, targets, rows in ((6.0, 3, 10), (2.0, 1, 10), (0.0, 0, 10)):
        meter.add(Done(torch.tensor(loss), torch.tensor(1.0), targets, rows, 100), rate=1e-3)
    meter.report()
    meter.add(Done(torch.tensor(0.0), torch.tensor(1.0), 0, 10, 100), rate=1e-3)
    meter.report()
    assert [step.loss for step in told] == [2.0, 0.0]
    assert told[0].tokens_per_second / told[0].examples_per_second == pytest.approx(10)
