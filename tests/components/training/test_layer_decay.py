from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from components.params import TrainingParams
from components.tasks.base import Task
from components.training.anatomy import heights
from components.training.layer_decay import layer_shares
from components.training.model import load_model
from components.training.optimizer import set_rate
from tests.components.training.ways import BATCH, running, trained

Section = Callable[..., TrainingParams]


def test_each_layer_trains_slower_than_the_one_above(task: Task, tiny_encoder: Path) -> None:
    model = load_model(task, tiny_encoder, 0.1)
    shares = layer_shares(model, 0.5)
    by_height = {height: shares[name] for name, height in heights(model).items()}
    assert by_height == {3: 1.0, 2: 0.5, 1: 0.25, 0: 0.125}
    assert shares["classifier.weight"] == shares["bert.pooler.dense.bias"] == 1.0
    assert shares["bert.embeddings.word_embeddings.weight"] == 0.125
    assert set(layer_shares(model, 1.0).values()) == {1.0}


def test_first_step_moves_each_weight_by_its_share_of_the_rate(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    """Without weight decay, the first step of AdamW has the length of the rate, up to epsilon."""
    params = section(layer_decay=0.5, weight_decay=0.0, dropout=0.0, warmup_share=0.0)
    with running(task, params, tiny_encoder, tokens) as run:
        before, at = trained(run.plain), heights(run.plain)
        rate = set_rate(run.optimizer, params, 0, 100)
        run.step(BATCH, 1)
        for name, weight in run.plain.named_parameters():
            if name.endswith("key.bias"):
                continue  # softmax cancels it: it has no gradient
            longest = (weight.detach() - before[name]).abs().max().item()
            assert longest == pytest.approx(rate * 0.5 ** (3 - at[name]), rel=0.05), name


def test_without_decay_the_groups_are_two(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    with running(task, section(), tiny_encoder, tokens) as run:
        groups = run.optimizer.param_groups
        assert [group["weight_decay"] for group in groups] == [0.01, 0.0]
        assert all(isinstance(w, torch.Tensor) for group in groups for w in group["params"])
