from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from components.params import TrainingParams
from components.tasks.base import Task
from components.training import fit
from components.training.adversarial import Adversary
from components.training.loss import summed_cross_entropy
from components.training.run import Run
from tests.components.training.ways import BATCH, close, gradients, running

Section = Callable[..., TrainingParams]
EPSILON = 0.3


def pushed(run: Run, vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The batch's summed loss when its word vectors are these, and the loss of each row."""
    inputs = run.train.inputs(BATCH)
    inputs.pop("input_ids")
    logits = run.plain(inputs_embeds=vectors, **inputs).logits
    targets = run.train.targets(BATCH)
    rows = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    return summed_cross_entropy(logits, targets, 0.0), rows


def by_hand(run: Run) -> tuple[torch.Tensor, torch.Tensor]:
    """The word vectors, and the push as the paper has it, row by row."""
    ids = run.train.inputs(BATCH)["input_ids"]
    vectors = run.plain.get_input_embeddings()(ids).detach().requires_grad_()  # type: ignore[operator]
    (gradient,) = torch.autograd.grad(pushed(run, vectors)[0], vectors)
    push = torch.stack([EPSILON * row / row.norm() for row in gradient])
    return vectors.detach(), push


def test_gradients_are_those_of_both_losses(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    params = section(adversarial=EPSILON, dropout=0.0)
    with running(task, params, tiny_encoder, tokens) as run:
        found = gradients(run)
        _, push = by_hand(run)
        table = run.plain.get_input_embeddings()  # type: ignore[operator]
        words = table(run.train.inputs(BATCH)["input_ids"])
        (pushed(run, words)[0] + pushed(run, words + push)[0]).div(len(BATCH)).backward()
        both = {n: w.grad for n, w in run.plain.named_parameters() if w.grad is not None}
    close(found, both)


def test_push_has_its_length_raises_the_loss_and_leaves_padding_alone(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    with running(task, section(dropout=0.0), tiny_encoder, tokens) as run:
        vectors, push = by_hand(run)
        inputs = run.train.inputs(BATCH)
        adversary = Adversary(run.plain.get_input_embeddings(), EPSILON)  # type: ignore[operator]
        seen: list[torch.Tensor] = []
        for _ in adversary.passes():
            with adversary.table.register_forward_hook(
                lambda _, __, out: seen.append(out.detach().clone())
            ):
                run._loss(BATCH, BATCH).backward()
        torch.testing.assert_close(seen[1] - seen[0], push, atol=1e-6, rtol=1e-4)
        lengths = (seen[1] - seen[0]).flatten(1).norm(dim=1)
        torch.testing.assert_close(lengths, torch.full_like(lengths, EPSILON))
        padding = inputs["attention_mask"] == 0
        assert padding.any()
        assert not (seen[1] - seen[0])[padding].any()
        assert (pushed(run, seen[1])[1] > pushed(run, vectors)[1]).all()


def test_accumulation_is_exact(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    params = section(adversarial=EPSILON, dropout=0.0)
    with running(task, params, tiny_encoder, tokens) as run:
        close(gradients(run, 1), gradients(run, 4))


def test_loss_that_is_told_is_that_of_the_texts_as_they_are(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    losses = []
    for epsilon in (0.0, EPSILON):
        params = section(adversarial=epsilon, dropout=0.0)
        with running(task, params, tiny_encoder, tokens) as run:
            losses.append(run.backward(BATCH, 2).item())
    assert losses[0] == pytest.approx(losses[1])


@pytest.mark.parametrize("frozen", [False, True])
def test_nothing_of_it_is_left_in_the_model(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, frozen: bool
) -> None:
    params = section(epochs=1, adversarial=EPSILON, frozen_embeddings=frozen)
    model = fit(task, params, tiny_encoder, tokens, 7).model
    assert not any(module._forward_hooks for module in model.modules())
    plain = fit(task, section(epochs=1, frozen_embeddings=frozen), tiny_encoder, tokens, 7).model
    name = "classifier.weight"
    assert not torch.equal(model.state_dict()[name], plain.state_dict()[name])
