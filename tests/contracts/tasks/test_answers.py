"""In: every file of components/tasks. Out: the laws of their answers and metrics."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest

from components.pages.words import METRICS
from components.tasks import load_task
from components.tasks.base import Encoded, Example, Task, metrics, predictions, scores
from tests.contracts.tasks.perfect import perfect, perfect_rows, random, wrong


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
    for scale in (0.0, 1.0, 1e4):
        for _ in range(8):
            rows = [rng.normal(size=row.shape) * scale for row in perfect_rows(task, encoded)]
            for answer in task.decode(task.gather(encoded, rows)):
                assert 0 <= answer.score <= 1


def test_answers_are_json_values_of_one_shape(task: Task, encoded: Encoded) -> None:
    answers = task.decode(perfect(task, encoded) + wrong(task, encoded))
    assert {tuple(answer.value) for answer in answers} == {task.answers}
    for answer in answers:
        assert json.loads(json.dumps(answer.value, allow_nan=False)) == answer.value
        assert math.isclose(answer.value["score"], answer.score, abs_tol=1e-6)


def test_no_logits_give_no_answers(task: Task) -> None:
    assert task.decode([]) == []


def test_perfect_logits_score_one(task: Task, examples: list[Example], encoded: Encoded) -> None:
    found = metrics(task, examples, perfect(task, encoded))
    assert list(found) == list(task.figures)
    assert task.metric in found
    assert all(math.isclose(value, 1) for value in found.values())


def test_figures_have_names_that_a_person_reads(task: Task) -> None:
    assert set(task.figures) <= set(METRICS)


def test_answers_are_right_when_they_are_the_truth(
    task: Task, examples: list[Example], encoded: Encoded
) -> None:
    answers = predictions(task, examples, perfect(task, encoded))
    assert task.right(examples, answers).tolist() == [True] * len(examples)
    assert [task.truth(example) for example in examples] == [a.label for a in answers]
    astray = predictions(task, examples, wrong(task, encoded))
    assert not task.right(examples, astray).all()
    for example, answer in zip(examples, answers, strict=True):
        assert task.same(example, example, (answer, answer))


def test_tables_count_every_label_and_confusion_every_example(
    task: Task, examples: list[Example], encoded: Encoded
) -> None:
    answers = predictions(task, examples, perfect(task, encoded))
    table = task.table(examples, answers)
    assert [row["label"] for row in table] == list(task.labels)
    assert all(row["f1"] in (1.0, None) for row in table)
    tags = [tag for example in examples for tag in set(task.tags(example))]
    assert {row["label"] for row in table if row["rows"]} == set(tags)
    matrix = task.confusion(examples, answers, task.labels)
    if matrix is not None:
        assert np.asarray(matrix).sum() == np.trace(np.asarray(matrix)) == len(examples)


@pytest.mark.parametrize("seed", range(5))
def test_metrics_are_shares(
    task: Task, examples: list[Example], encoded: Encoded, seed: int
) -> None:
    for logits in (random(task, encoded, seed), wrong(task, encoded)):
        for value in metrics(task, examples, logits).values():
            assert isinstance(value, float)
            assert -1 <= value <= 1


def test_wrong_logits_score_less(task: Task, examples: list[Example], encoded: Encoded) -> None:
    assert metrics(task, examples, wrong(task, encoded))[task.metric] < 1


def test_metrics_do_not_depend_on_order(
    task: Task, examples: list[Example], encoded: Encoded
) -> None:
    logits = random(task, encoded, 1)
    assert metrics(task, examples, logits) == pytest.approx(
        metrics(task, examples[::-1], logits[::-1]), nan_ok=True
    )


@pytest.mark.parametrize("seed", range(5))
def test_tallies_are_of_each_example_alone(
    task: Task, examples: list[Example], encoded: Encoded, seed: int
) -> None:
    logits = random(task, encoded, seed)
    together = task.tallies(examples, logits)
    assert len(together) == len(examples)
    for row, example, own in zip(together, examples, logits, strict=True):
        assert task.tallies([example], [own])[0] == pytest.approx(row)


def test_scores_are_taken_along_the_last_axis(
    task: Task, examples: list[Example], encoded: Encoded
) -> None:
    many = examples * 6
    logits = [row for seed in range(6) for row in random(task, encoded, seed)]
    tallies = task.tallies(many, logits)
    parts = np.stack([tallies[:6].sum(axis=0), tallies[6:].sum(axis=0)])
    for name in task.figures:
        each = [scores(task, tallies[:6])[name], scores(task, tallies[6:])[name]]
        assert task.score(parts, name).tolist() == pytest.approx(each, nan_ok=True)
    assert np.array_equal(task.score(parts), task.score(parts, task.metric), equal_nan=True)


def test_no_tallies_score_nothing(task: Task, examples: list[Example], encoded: Encoded) -> None:
    tallies = task.tallies(examples, perfect(task, encoded))
    for name in task.figures:
        assert math.isnan(float(task.score(np.zeros_like(tallies[0]), name)))


def test_tokens_alone_tell_what_metrics_read(
    task: Task, examples: list[Example], encoded: Encoded
) -> None:
    assert encoded.targets is not None
    told = task.from_tokens(encoded.targets, perfect_rows(task, encoded))
    assert all(math.isclose(value, 1) for value in metrics(task, *told).values())
    astray = [np.roll(row, 1, axis=0) for row in perfect_rows(task, encoded)]
    assert task.tuned(encoded.targets, astray).kind == task.options.kind


def test_tuning_changes_nothing_that_options_fix(task: Task, encoded: Encoded) -> None:
    assert encoded.targets is not None
    tuned = load_task(task.tuned(encoded.targets, perfect_rows(task, encoded)))
    assert tuned.outputs == task.outputs
    answers = predictions(tuned, task.samples(), perfect(task, encoded))
    assert answers[0].label == task.truth(task.samples()[0])
