"""In: every file of components/tasks. Out: the laws of their answers and metrics."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from components.tasks.base import Array, Encoded, Example, Task


def perfect(task: Task, encoded: Encoded) -> list[Array]:
    """Return logits whose largest value is at each target's index."""
    assert encoded.targets is not None
    one_hot = np.eye(len(task.labels))[np.maximum(encoded.targets, 0)]
    return [np.asarray(row * 20 - 10, dtype=np.float32) for row in one_hot]


def wrong(task: Task, encoded: Encoded) -> list[Array]:
    return [np.roll(row, 1, axis=-1) for row in perfect(task, encoded)]


def test_answers_follow_their_logits_in_any_order(task: Task, encoded: Encoded) -> None:
    logits = perfect(task, encoded) + wrong(task, encoded)
    answers = task.decode(logits)
    assert len(answers) == len(logits)
    for order in itertools.islice(itertools.permutations(range(len(logits))), 1, None, 5):
        permuted = task.decode([logits[i] for i in order])
        assert [a.label for a in permuted] == [answers[i].label for i in order]
        assert [a.score for a in permuted] == [answers[i].score for i in order]


def test_scores_are_probabilities(task: Task, encoded: Encoded) -> None:
    rng = np.random.default_rng(0)
    shape = perfect(task, encoded)[0].shape
    for scale in (0.0, 1.0, 1e4):
        for answer in task.decode([rng.normal(size=shape) * scale for _ in range(8)]):
            assert 0 <= answer.score <= 1
            assert np.isfinite(answer.scores).all()
            assert ((answer.scores >= 0) & (answer.scores <= 1)).all()
            assert np.allclose(answer.scores.sum(axis=-1), 1)
            told = answer.as_json(task.labels)
            assert told["label"] == answer.label
            assert math.isclose(told["score"], answer.score, abs_tol=1e-6)


def test_no_logits_give_no_answers(task: Task) -> None:
    assert task.decode([]) == []


def test_perfect_logits_score_one(task: Task, examples: list[Example], encoded: Encoded) -> None:
    metrics = task.metrics(examples, perfect(task, encoded))
    assert task.metric in metrics
    assert "accuracy" in metrics
    assert all(value == 1 for value in metrics.values())


def random_logits(task: Task, encoded: Encoded, seed: int) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=row.shape) for row in perfect(task, encoded)]


@pytest.mark.parametrize("seed", range(5))
def test_metrics_are_shares(
    task: Task, examples: list[Example], encoded: Encoded, seed: int
) -> None:
    for logits in (random_logits(task, encoded, seed), wrong(task, encoded)):
        for value in task.metrics(examples, logits).values():
            assert isinstance(value, float)
            assert 0 <= value <= 1


def test_wrong_logits_score_less(task: Task, examples: list[Example], encoded: Encoded) -> None:
    assert task.metrics(examples, wrong(task, encoded))[task.metric] < 1


def test_metrics_do_not_depend_on_order(
    task: Task, examples: list[Example], encoded: Encoded
) -> None:
    logits = random_logits(task, encoded, 1)
    assert task.metrics(examples, logits) == task.metrics(examples[::-1], logits[::-1])


@pytest.mark.parametrize("seed", range(5))
def test_summed_tallies_score_what_metrics_say(
    task: Task, examples: list[Example], encoded: Encoded, seed: int
) -> None:
    many = examples * 6
    logits = [row for s in range(6) for row in random_logits(task, encoded, seed * 6 + s)]
    tallies = task.tallies(many, logits)
    assert len(tallies) == len(many)
    assert float(task.score(tallies.sum(axis=0))) == pytest.approx(
        task.metrics(many, logits)[task.metric]
    )
    halves = np.stack([tallies[:6].sum(axis=0), tallies[6:].sum(axis=0)])
    assert task.score(halves).tolist() == [
        pytest.approx(task.metrics(many[:6], logits[:6])[task.metric]),
        pytest.approx(task.metrics(many[6:], logits[6:])[task.metric]),
    ]


def test_no_tallies_score_nothing(task: Task, examples: list[Example], encoded: Encoded) -> None:
    tallies = task.tallies(examples, perfect(task, encoded))
    assert math.isnan(float(task.score(np.zeros_like(tallies[0]))))


def test_targets_carry_what_metrics_read(
    task: Task, examples: list[Example], encoded: Encoded
) -> None:
    assert encoded.targets is not None
    logits = random_logits(task, encoded, 3)
    assert task.metrics(task.labelled(encoded.targets), logits) == task.metrics(examples, logits)
