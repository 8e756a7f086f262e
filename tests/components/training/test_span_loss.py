"""In: logits of rows that are padded. Out: losses that do not know of it."""

from __future__ import annotations

import pytest
import torch

from components.training.loss import summed_loss

TARGETS = torch.tensor([[0, 2], [1, 1], [3, 4]])


def span_loss(logits: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    return summed_loss("span", logits, TARGETS, 0.0, None, mask)


@pytest.mark.parametrize("surplus", [1, 7])
def test_padding_changes_neither_loss_nor_gradient_of_spans(surplus: int) -> None:
    plain = torch.randn(3, 5, 2, requires_grad=True)
    padded = torch.cat([plain.detach(), torch.full((3, surplus, 2), 30.0)], dim=1)
    padded.requires_grad_()
    mask = torch.tensor([[1] * 5 + [0] * surplus] * 3)
    one, other = span_loss(plain), span_loss(padded, mask)
    torch.testing.assert_close(one, other)
    assert span_loss(padded) > other + 1, "without the mask, padding would have won"
    one.backward()  # type: ignore[no-untyped-call]
    other.backward()  # type: ignore[no-untyped-call]
    assert plain.grad is not None
    assert padded.grad is not None
    torch.testing.assert_close(plain.grad, padded.grad[:, :5])
    assert not padded.grad[:, 5:].any()


def test_loss_of_spans_is_the_mean_cross_entropy_of_start_and_end() -> None:
    logits = torch.randn(3, 5, 2)
    each = [
        torch.nn.functional.cross_entropy(logits[..., at], TARGETS[:, at], reduction="sum")
        for at in (0, 1)
    ]
    torch.testing.assert_close(span_loss(logits), sum(each) / 2)
