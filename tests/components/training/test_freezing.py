from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from components.errors import EncoderError, ParamsError
from components.params import TrainingParams
from components.tasks.base import Task
from components.training import fit
from components.training.anatomy import heights, layers
from components.training.model import load_model
from tests.components.training.ways import running, trained

Section = Callable[..., TrainingParams]


def moved(task: Task, params: TrainingParams, encoder: Path, tokens: Path) -> set[int]:
    """The heights at which training changed any weight."""
    fitted = fit(task, params, encoder, tokens, 7)
    before = load_model(task, encoder, 0.1).state_dict()
    after = fitted.model.state_dict()
    at = heights(fitted.model)
    changed = {n: not torch.equal(before[n], value) for n, value in after.items()}
    # The pooler and the head are drawn, and so differ in any case: they are looked at elsewhere.
    return {at[name] for name, differs in changed.items() if differs and name in at}


@pytest.mark.parametrize(
    ("frozen", "expected"),
    [
        ((0, False), {0, 1, 2, 3}),
        ((1, False), {0, 2, 3}),
        ((1, True), {2, 3}),
        ((2, True), {3}),
    ],
)
def test_only_what_is_not_frozen_moves(
    task: Task,
    section: Section,
    tiny_encoder: Path,
    tokens: Path,
    frozen: tuple[int, bool],
    expected: set[int],
) -> None:
    params = section(epochs=1, frozen_layers=frozen[0], frozen_embeddings=frozen[1])
    assert moved(task, params, tiny_encoder, tokens) == expected


def test_what_is_frozen_has_no_gradient_and_no_moments(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    params = section(frozen_layers=1, frozen_embeddings=True)
    with running(task, params, tiny_encoder, tokens) as run:
        at = heights(run.plain)
        run.backward(range(10), 1)  # type: ignore[arg-type]
        with_gradient = {n for n, w in run.plain.named_parameters() if w.grad is not None}
        assert {at[name] for name in with_gradient} == {2, 3}
        optimized = sum(len(group["params"]) for group in run.optimizer.param_groups)
        assert optimized == len(trained(run.plain))


def test_head_learns_on_a_frozen_encoder(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    params = section(epochs=4, frozen_layers=2, frozen_embeddings=True, learning_rate=0.02)
    history = fit(task, params, tiny_encoder, tokens, 7).history
    assert history[-1].loss < history[0].loss


def test_more_layers_than_there_are_cannot_be_frozen(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    with pytest.raises(ParamsError, match=r"frozen_layers must be at most 2, .* found 3"):
        fit(task, section(frozen_layers=3), tiny_encoder, tokens, 7)


def test_encoder_without_layers_is_refused(task: Task, tiny_encoder: Path) -> None:
    model = load_model(task, tiny_encoder, 0.1)
    model.config.num_hidden_layers = 5  # type: ignore[union-attr]
    with pytest.raises(EncoderError, match="has no list of 5 layers"):
        layers(model)
