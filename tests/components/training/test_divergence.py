"""In: a training in which one number is spoiled. Out: it ends at once, and leaves no model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from components.errors import DataError, DivergenceError, ParamsError
from components.params import SearchParams, TrainingParams, overlay
from components.scope import OutOfScope
from components.search import Inline, Report, StudyPlace, run_search
from components.tasks import load_task
from components.tasks.base import Task
from components.tasks.classification import Options
from components.training import Epoch, Watch, fit, tuned
from components.training.loop import Loop
from components.training.meter import STEPS_PER_REPORT
from components.training.run import Run
from components.training.stopping import Best

Section = Callable[..., TrainingParams]
SPOILT = float("nan")


class Spoiler:
    """Spoils one step of every training, and counts the steps that are begun."""

    def __init__(self, what: str, step: int) -> None:
        self._what, self._step, self.begun = what, step, 0

    def into(self, patch: pytest.MonkeyPatch) -> Spoiler:
        real = Run.backward

        def backward(run: Run, batch: Any, accumulation: int) -> torch.Tensor:
            self.begun += 1
            spoil = self.begun == self._step
            if spoil and self._what == "weight":
                with torch.no_grad():
                    next(w for n, w in run.model.named_parameters() if "query" in n)[0] = SPOILT
            loss: torch.Tensor = real(run, batch, accumulation)
            if spoil and self._what == "gradient":
                gradient = next(run.model.parameters()).grad
                gradient[0] = SPOILT
            return loss * SPOILT if spoil and self._what == "loss" else loss

        patch.setattr(Run, "backward", backward)
        return self


@pytest.mark.parametrize("what", ["loss", "gradient", "weight"])
@pytest.mark.parametrize("step", [1, 3, 11])
def test_spoilt_number_stops_training_within_ten_steps(  # noqa: PLR0913, PLR0917
    task: Task,
    section: Section,
    tiny_encoder: Path,
    tokens: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    step: int,
) -> None:
    epochs: list[Epoch] = []
    spoiler = Spoiler(what, step).into(monkeypatch)
    params = section(batch_size=8, epochs=50, patience=50)
    with pytest.raises(DivergenceError, match="must be finite, found nan by step"):
        fit(task, params, tiny_encoder, tokens, 7, Watch(on_epoch=epochs.append))
    assert spoiler.begun - step < STEPS_PER_REPORT == 10
    assert not epochs


@pytest.mark.parametrize("clip", [1.0, 1e30])
def test_rate_of_a_million_stops_training_within_ten_steps(
    task: Task,
    section: Section,
    tiny_encoder: Path,
    tokens: Path,
    monkeypatch: pytest.MonkeyPatch,
    clip: float,
) -> None:
    spoiler = Spoiler("nothing", 0).into(monkeypatch)
    params = section(batch_size=8, warmup_share=0.0, max_grad_norm=clip)
    with pytest.raises(ParamsError, match="learning_rate"):
        overlay(params, {"learning_rate": 1e6}, "params.yaml")
    unchecked = params.model_copy(update={"learning_rate": 1e6})
    with pytest.raises(DivergenceError, match="must be finite, found"):
        fit(task, unchecked, tiny_encoder, tokens, 7)
    assert spoiler.begun <= 10


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_metric_that_is_not_finite_is_no_score(
    task: Task,
    section: Section,
    tiny_encoder: Path,
    tokens: Path,
    monkeypatch: pytest.MonkeyPatch,
    value: float,
) -> None:
    epochs: list[Epoch] = []
    monkeypatch.setattr(type(task), "score", lambda *_: np.array(value))
    with pytest.raises(DivergenceError, match=rf"{task.metric} must be finite, found"):
        fit(task, section(), tiny_encoder, tokens, 7, Watch(on_epoch=epochs.append))
    assert not epochs


def test_figure_that_no_row_tells_of_is_left_out_and_ends_no_training(
    section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    scope = OutOfScope(label="oos", score="energy", threshold=None, in_scope_share=0.95)
    labels = ("track", "refund", "login")
    scoped = load_task(Options(kind="classification", labels=labels, out_of_scope=scope))
    fitted = fit(scoped, section(epochs=1), tiny_encoder, tokens, 7)
    (epoch,) = fitted.history
    assert sorted(epoch.metrics) == ["accuracy", "in_scope_accuracy", "macro_f1"]
    found = tuned(fitted.model, scoped, tokens)
    assert not found.tunes


def test_validation_logits_that_are_not_finite_are_no_score(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Loop._epoch

    def spoil(loop: Loop) -> None:
        real(loop)
        with torch.no_grad():
            next(loop.run.model.parameters()).fill_(SPOILT)

    monkeypatch.setattr(Loop, "_epoch", spoil)
    with pytest.raises(DivergenceError, match="validation logits must be finite"):
        fit(task, section(), tiny_encoder, tokens, 7)


def test_weight_that_no_text_uses_is_looked_at_too(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row of a word that stands nowhere spoils no loss and no score."""
    real = Loop._epoch

    def spoil(loop: Loop) -> None:
        real(loop)
        with torch.no_grad():
            loop.run.model.get_input_embeddings().pretrained[-1] = SPOILT  # type: ignore[operator]

    monkeypatch.setattr(Loop, "_epoch", spoil)
    with pytest.raises(DivergenceError, match=r"weight .*word_embeddings.* must be finite"):
        fit(task, section(), tiny_encoder, tokens, 7)


def test_best_weights_are_finite() -> None:
    model = torch.nn.Linear(2, 2)
    best = Best(patience=1)
    best.offer(model, 0.5)
    with torch.no_grad():
        model.bias[1] = float("inf")
    with pytest.raises(DivergenceError, match="weight bias must be finite"):
        best.offer(model, 0.6)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_split_whose_labels_are_all_masked_is_refused_before_any_step(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, tmp_path: Path, split: str
) -> None:
    for path in tokens.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    targets = tmp_path / f"{split}.targets.npy"
    np.save(targets, np.full_like(np.load(targets), -100))
    with pytest.raises(DataError, match=f"the {split} split must have labels"):
        fit(task, section(), tiny_encoder, tmp_path, 7)


def test_study_goes_on_after_a_trial_that_diverged(
    task: Task,
    section: Section,
    tiny_encoder: Path,
    tokens: Path,
    tmp_path: Path,
    params_tree: dict[str, Any],
) -> None:
    calls = []

    def objective(training: TrainingParams, seed: int, report: Report) -> float:
        calls.append(training)
        with pytest.MonkeyPatch.context() as patch:
            if len(calls) == 2:
                Spoiler("gradient", 3).into(patch)
            return fit(task, training, tiny_encoder, tokens, seed).score

    alone = {"trials": 1, "seeds": 0, "minutes": None}
    few = {"trials": 3, "epochs": 1, "finalists": alone, "ablation": None}
    tree = params_tree["search"] | few
    place = StudyPlace(tmp_path, "toy")
    found = run_search(
        SearchParams.model_validate_json(json.dumps(tree)), section(), 7, Inline(objective), place
    )
    assert [trial.state for trial in found.trials] == ["complete", "failed", "complete"]
    assert found.best.trial != 1
