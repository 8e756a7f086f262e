from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from components.params import TrainingParams
from components.tasks.base import IGNORED, Task
from components.tokens import TokenSplit
from components.training.feed import Feed
from components.training.loss import summed_cross_entropy
from components.training.weighting import class_weights
from tests.components.training.ways import close, gradients, running


def feed(task: Task, targets: list[int]) -> Feed:
    tokens = TokenSplit(np.zeros(0, np.int32), np.zeros(1, np.int64), np.array(targets))
    return Feed(task, tokens, 0, torch.device("cpu"))


def test_all_labels_weigh_the_same_and_the_mean_stays(task: Task) -> None:
    targets = torch.tensor([0, 0, 0, 0, 0, 1, 1, 2])
    weights = class_weights(feed(task, targets.tolist()), "balanced")
    assert weights is not None
    totals = [weights[targets[targets == label]].sum().item() for label in range(3)]
    assert totals == pytest.approx([8 / 3] * 3)
    assert weights[targets].mean().item() == pytest.approx(1.0)


def test_absent_labels_and_masked_targets_do_not_count(task: Task) -> None:
    weights = class_weights(feed(task, [0, 0, 2, IGNORED, IGNORED]), "balanced")
    assert weights is not None
    assert weights.tolist() == pytest.approx([0.75, 0.0, 1.5])
    assert class_weights(feed(task, [0, 1]), "none") is None


def test_loss_is_that_of_data_in_which_rare_rows_are_repeated(task: Task) -> None:
    """Three rows of one label and one of another, against three of each."""
    logits = torch.randn(4, 3, generator=torch.manual_seed(0))
    targets = torch.tensor([0, 0, 0, 1])
    weights = class_weights(feed(task, targets.tolist()), "balanced")
    repeated = torch.tensor([0, 1, 2, 3, 3, 3])
    for smoothing in (0.0, 0.2):
        weighted = summed_cross_entropy(logits, targets, smoothing, weights)
        even = summed_cross_entropy(logits[repeated], targets[repeated], smoothing)
        assert weighted.item() / 4 == pytest.approx(even.item() / 6)


def test_masked_targets_are_not_learned_from(task: Task) -> None:
    logits = torch.randn(3, 3, generator=torch.manual_seed(0))
    weights = torch.tensor([2.0, 1.0, 0.5])
    whole = summed_cross_entropy(logits, torch.tensor([0, 2, IGNORED]), 0.1, weights)
    assert whole == summed_cross_entropy(logits[:2], torch.tensor([0, 2]), 0.1, weights)


def test_weights_are_exact_under_accumulation(
    task: Task, section: Callable[..., TrainingParams], tiny_encoder: Path, tokens: Path
) -> None:
    params = section(class_weights="balanced", dropout=0.0)
    with running(task, params, tiny_encoder, tokens) as run:
        close(gradients(run, 1), gradients(run, 4))
        plain = section(dropout=0.0)
    with running(task, plain, tiny_encoder, tokens) as other:
        unweighted = gradients(other)["classifier.bias"]
    with running(task, params, tiny_encoder, tokens) as run:
        assert not torch.allclose(gradients(run)["classifier.bias"], unweighted)
