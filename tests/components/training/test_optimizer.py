"""In: gradients. Out: one step equals clipping and AdamW as torch does them one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from accelerate import Accelerator

from components.params import TrainingParams
from components.training.device import accelerated
from components.training.optimizer import adamw, update

Section = Callable[..., TrainingParams]


@pytest.fixture
def accelerator() -> Iterator[Accelerator]:
    with accelerated("fp32") as made:
        yield made


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3))


@pytest.mark.parametrize("max_norm", [0.01, 1.0, 1e6])
def test_update_equals_clipping_and_then_stepping(
    section: Section, accelerator: Accelerator, max_norm: float
) -> None:
    params = section(learning_rate=0.01, weight_decay=0.1)
    ours, theirs = network(), network()
    own = accelerator.prepare(adamw(ours, params))
    other = adamw(theirs, params)
    for step in range(5):
        batch = 3.0 * torch.randn(4, 5, generator=torch.Generator().manual_seed(step))
        for model in (ours, theirs):
            model(batch).square().sum().backward()
        norm = update(ours, own, max_norm)
        expected = torch.nn.utils.clip_grad_norm_(theirs.parameters(), max_norm)
        other.step()
        other.zero_grad()
        assert norm.item() == pytest.approx(expected.item(), rel=1e-5)
        assert all(weight.grad is None for weight in ours.parameters())
    for own_weight, their_weight in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(own_weight, their_weight, rtol=1e-4, atol=1e-6)


def test_norm_that_is_not_finite_is_told(section: Section, accelerator: Accelerator) -> None:
    model = network()
    optimizer = accelerator.prepare(adamw(model, section()))
    model(torch.full((1, 5), float("nan"))).sum().backward()
    assert not update(model, optimizer, 1.0).isfinite()
