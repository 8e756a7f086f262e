from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from components.errors import DataError
from components.params import DistillationParams, TrainingParams
from components.tasks.base import Task, metrics, softmax
from components.tokens import array_path, open_split
from components.training import fit, training_key
from components.training.answers import answers
from components.training.distil import SOFT, SoftTargets, soften, write_soft
from tests.components.training.test_fit import digest, weights

Section = Callable[..., TrainingParams]
CPU = torch.device("cpu")


def asked(temperature: float = 2.0, share: float = 0.5) -> DistillationParams:
    return DistillationParams(teachers=1, values="winner", temperature=temperature, share=share)


def sure(tokens: Path, of: float = 9.0) -> np.ndarray:
    """Logits of a teacher that knows every training row."""
    known: np.ndarray = of * np.eye(3, dtype=np.float32)[open_split(tokens, "train").targets]
    return known


def test_mixture_is_that_of_the_paper() -> None:
    random = np.random.default_rng(0)
    teacher, student = random.normal(size=(2, 4, 3)).astype(np.float32)
    soft = SoftTargets(soften([teacher], 3.0), 3.0, 0.25, CPU)
    hard = torch.tensor(1.7)
    logs = np.log(softmax(student[[2, 0]] / 3.0))
    expected = 0.75 * 1.7 - 0.25 * 9.0 * (softmax(teacher[[2, 0]] / 3.0) * logs).sum()
    found = soft.mixed(hard, torch.from_numpy(student[[2, 0]]), np.array([2, 0]))
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_in_the_limit_of_high_temperature_logits_are_matched() -> None:
    """Section 2.1: the gradient becomes (z_i - v_i) / N when both have mean 0."""
    random = np.random.default_rng(1)
    teacher, student = (z - z.mean() for z in random.normal(size=(2, 1, 5)))
    wanted = (student - teacher) / 5
    for temperature in (50.0, 200.0):
        logits = torch.tensor(student, requires_grad=True)
        soft = SoftTargets(softmax(teacher / temperature), temperature, 1.0, CPU)
        soft.mixed(torch.zeros(()), logits, np.array([0])).backward()  # type: ignore[no-untyped-call]
        assert logits.grad is not None
        assert logits.grad.numpy() == pytest.approx(wanted, abs=3 / temperature)


def test_ensemble_answers_with_the_mean_probability() -> None:
    one, two = np.random.default_rng(2).normal(size=(2, 4, 3))
    assert soften([one, two], 1.0) == pytest.approx((softmax(one) + softmax(two)) / 2, abs=1e-6)


def test_student_learns_from_the_teachers_what_its_labels_do_not_say(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, tmp_path: Path
) -> None:
    """All training labels are the same, so that only the teachers' answers tell anything."""
    blind = tmp_path / "blind"
    shutil.copytree(tokens, blind)
    rows = len(open_split(tokens, "train"))
    np.save(array_path(blind, "train", "targets"), np.zeros(rows, np.int64))
    write_soft(blind, [sure(tokens)], asked(share=1.0), tmp_path / "taught")
    params = section(epochs=12, patience=12)
    assert fit(task, params, tiny_encoder, tmp_path / "taught", 7).score > 0.9
    assert fit(task, params, tiny_encoder, blind, 7).score < 0.5


def test_share_of_nothing_is_training_on_the_labels(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, tmp_path: Path
) -> None:
    write_soft(tokens, [sure(tokens)], asked(share=0.0), tmp_path / "taught")
    alone = fit(task, section(), tiny_encoder, tokens, 7)
    assert digest(fit(task, section(), tiny_encoder, tmp_path / "taught", 7)) == digest(alone)


def test_accumulation_is_exact_with_teachers_too(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, tmp_path: Path
) -> None:
    write_soft(tokens, [sure(tokens, 2.0)], asked(), tmp_path / "taught")
    one, four = (
        fit(task, section(dropout=0.0, accumulation=n), tiny_encoder, tmp_path / "taught", 7)
        for n in (1, 4)
    )
    for name, value in weights(one).items():
        torch.testing.assert_close(weights(four)[name], value, atol=2e-3, rtol=0)
    assert four.history[0].loss == pytest.approx(one.history[0].loss, abs=1e-4)


def test_key_of_a_training_names_what_it_learns_from(
    task: Task, section: Section, tokens: Path, tmp_path: Path
) -> None:
    ways = {
        "hot": ([sure(tokens)], asked(temperature=4.0)),
        "mixed": ([sure(tokens)], asked(share=0.6)),
        "other": ([sure(tokens, 1.0)], asked()),
        "same": ([sure(tokens)], asked()),
    }
    keys = {training_key(task, section(), "e", tokens, 7)}
    for name, (logits, params) in ways.items():
        write_soft(tokens, logits, params, tmp_path / name)
        keys.add(training_key(task, section(), "e", tmp_path / name, 7))
    assert len(keys) == 5


def test_altered_answers_are_refused(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, tmp_path: Path
) -> None:
    write_soft(tokens, [sure(tokens)], asked(), tmp_path / "taught")
    np.save(tmp_path / "taught" / SOFT, soften([sure(tokens, 1.0)], 2.0))
    with pytest.raises(DataError, match=r"train.soft.npy is not the file"):
        fit(task, section(), tiny_encoder, tmp_path / "taught", 7)


def test_answers_are_those_that_the_score_came_from(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    fitted = fit(task, section(), tiny_encoder, tokens, 7)
    logits = answers(fitted.model, task, tokens, "validation")
    targets = list(open_split(tokens, "validation").targets)
    assert metrics(task, *task.from_tokens(targets, logits))[task.metric] == fitted.score
    assert not fitted.model.training
