from __future__ import annotations

import pytest
import torch
from torch.nn import BCEWithLogitsLoss, CrossEntropyLoss

from components.scope import NO_LABEL
from components.tasks.base import IGNORED
from components.training.loss import summed_loss


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 3


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("labels", [1, 2, 28])
def test_loss_of_many_labels_is_torchs_mean_times_the_rows(labels: int, smoothing: float) -> None:
    logits, targets = draw(6, labels), (draw(6, labels, seed=1) > 0).float()
    wanted = targets * (1 - smoothing) + smoothing / 2
    expected = 6 * BCEWithLogitsLoss()(logits, wanted)
    assert torch.allclose(summed_loss("many_labels", logits, targets, smoothing), expected)


def test_loss_of_many_labels_takes_targets_of_any_number_type_and_low_precision() -> None:
    logits, targets = draw(5, 4), draw(5, 4, seed=1) > 0
    expected = summed_loss("many_labels", logits.bfloat16().float(), targets.float(), 0.0)
    for kind in (torch.int8, torch.bool, torch.float64):
        found = summed_loss("many_labels", logits.bfloat16(), targets.to(kind), 0.0)
        assert found.dtype == torch.float32
        assert torch.allclose(found, expected)


def test_loss_of_many_labels_adds_up_over_parts_of_a_batch() -> None:
    logits, targets = draw(7, 3), (draw(7, 3, seed=1) > 0).float()
    parts = [
        summed_loss("many_labels", logits[s], targets[s], 0.1) for s in (slice(4), slice(4, 7))
    ]
    assert torch.allclose(
        sum(parts, torch.zeros(())), summed_loss("many_labels", logits, targets, 0.1)
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_of_one_label_is_torchs_and_passes_over_what_is_ignored(smoothing: float) -> None:
    logits, targets = draw(5, 3), torch.tensor([0, 2, IGNORED, 1, 1])
    expected = CrossEntropyLoss(reduction="sum", label_smoothing=smoothing)(logits, targets)
    assert torch.allclose(summed_loss("one_label", logits, targets, smoothing), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_row_without_a_label_is_learned_as_no_label_more_than_another(smoothing: float) -> None:
    logits = draw(4, 3)
    targets = torch.tensor([0, NO_LABEL, IGNORED, NO_LABEL])
    known = CrossEntropyLoss(reduction="sum", label_smoothing=smoothing)(logits[:1], targets[:1])
    even = CrossEntropyLoss(reduction="sum")(logits[[1, 3]], torch.full((2, 3), 1 / 3))
    found = summed_loss("label_or_none", logits, targets, smoothing)
    assert torch.allclose(found, known + even)


def test_row_without_a_label_has_least_loss_where_the_head_is_even() -> None:
    targets, level = torch.tensor([NO_LABEL]), torch.full((1, 4), 2.0)
    even = summed_loss("label_or_none", level, targets, 0.0)
    assert float(even) == pytest.approx(float(torch.log(torch.tensor(4.0))))
    level[0, 1] += 0.1
    assert summed_loss("label_or_none", level, targets, 0.0) > even


def test_where_every_row_has_a_label_the_loss_is_that_of_one_label() -> None:
    logits, targets, weights = draw(5, 3), torch.tensor([0, 2, 1, 1, 0]), torch.tensor([1.0, 2, 3])
    found = summed_loss("label_or_none", logits, targets, 0.1, weights)
    assert torch.equal(found, summed_loss("one_label", logits, targets, 0.1, weights))
