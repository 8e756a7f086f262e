from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from components.params import TrainingParams
from components.tasks.base import Task
from components.training import fit
from components.training.averaging import Average
from components.training.run import Run
from tests.components.training.ways import BATCH, Tensors, running, trained

Section = Callable[..., TrainingParams]


def test_average_is_what_its_formula_says() -> None:
    """Weights 0, 1, 2, ... after each step; decay 1 / 10, 2 / 11, ... up to 0.3."""
    line = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(line.weight)
    average, expected = Average(line, 0.3), 0.0
    for step in range(1, 8):
        with torch.no_grad():
            line.weight += 1.0
        average.update()
        decay = min(0.3, step / (step + 9))
        expected = decay * expected + (1 - decay) * step
    with average.applied():
        assert line.weight.item() == pytest.approx(expected)
    assert line.weight.item() == 7.0


def test_average_is_scored_and_kept_and_training_goes_on_without_it(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[Tensors] = []
    real = Run.step

    def step(run: Run, *rest: object) -> object:
        done = real(run, *rest)  # type: ignore[arg-type]
        steps.append(trained(run.plain))
        return done

    monkeypatch.setattr(Run, "step", step)
    plain = fit(task, section(epochs=2, patience=2), tiny_encoder, tokens, 7)
    raw, steps = steps, []
    averaged = fit(task, section(epochs=2, patience=2, averaging=0.9), tiny_encoder, tokens, 7)
    assert all(torch.equal(a[n], b[n]) for a, b in zip(raw, steps, strict=True) for n in a)
    name, count = "classifier.weight", 6 * averaged.best_epoch
    expected = _first(task, section, tiny_encoder, tokens)[name]
    for number, weights in enumerate(raw[:count], start=1):
        decay = min(0.9, number / (number + 9))
        expected = decay * expected + (1 - decay) * weights[name]
    torch.testing.assert_close(averaged.model.state_dict()[name], expected)
    assert not torch.equal(plain.model.state_dict()[name], averaged.model.state_dict()[name])


def _first(task: Task, section: Section, encoder: Path, tokens: Path) -> Tensors:
    from components.seeding import derive

    with running(task, section(), encoder, tokens, derive(7, "training")) as run:
        return trained(run.plain)


def test_words_that_no_text_has_stay_as_they_were_pretrained(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    from components.training.model import load_model

    name, unseen = "bert.embeddings.word_embeddings.weight", [1, 4]
    before = load_model(task, tiny_encoder, 0.1).state_dict()[name]
    after = fit(task, section(averaging=0.9), tiny_encoder, tokens, 7).model.state_dict()[name]
    assert torch.equal(before[unseen], after[unseen])
    assert after.shape == before.shape


def test_average_goes_on_from_its_state(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    with running(task, section(averaging=0.9), tiny_encoder, tokens) as run:
        run.step(BATCH, 1)
        kept = run.average.state()
        values = {name: value.clone() for name, value in kept.tensors.items()}
        run.step(np.arange(10, 20), 1)
        assert all(torch.equal(kept.tensors[name], value) for name, value in values.items())
        run.average.load(kept)
        again = run.average.state()
        assert again.facts == kept.facts
        assert all(torch.equal(again.tensors[name], value) for name, value in values.items())


def test_without_averaging_nothing_is_kept(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    with running(task, section(), tiny_encoder, tokens) as run:
        run.step(BATCH, 1)
        assert not run.average.state().tensors
