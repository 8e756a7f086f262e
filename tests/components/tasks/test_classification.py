from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from components.counts import f1_per_label
from components.tasks import load_task
from components.tasks.base import metrics, softmax
from components.tasks.classification import Options

LABELS = ("a", "b", "c", "d")
TASK = load_task(Options(kind="classification", labels=LABELS, out_of_scope=None))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("used", [2, 4])
def test_metrics_are_those_of_scikit_learn(seed: int, used: int) -> None:
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, used, size=12)
    logits = rng.normal(size=(12, 4))
    logits[:, used:] = -9
    answer = logits.argmax(axis=1)
    examples = [{"label": LABELS[i]} for i in gold]
    found = metrics(TASK, examples, list(logits))
    assert found["accuracy"] == pytest.approx(accuracy_score(gold, answer))
    # scikit-learn too averages over the labels that are true or answered somewhere
    assert found["macro_f1"] == pytest.approx(f1_score(gold, answer, average="macro"))


def test_label_that_never_occurs_has_no_f1() -> None:
    f1 = f1_per_label(np.array([0, 1, 1]), np.array([0, 0, 1]), 3)
    assert f1[:2].tolist() == [pytest.approx(2 / 3), pytest.approx(2 / 3)]
    assert np.isnan(f1[2])


def test_softmax_does_not_overflow_and_ignores_a_shift() -> None:
    logits = np.array([[1.0, 2.0, 3.0]])
    assert softmax(logits) == pytest.approx(softmax(logits + 1e4))
    assert softmax(np.array([[1e30, 0.0]])).tolist() == [[1.0, 0.0]]
    assert softmax(logits.astype(np.float32)).dtype == np.float64


def test_answer_is_the_most_probable_label() -> None:
    (answer,) = TASK.decode([np.array([0.0, 2.0, 1.0, -1.0])])
    assert answer.label == "b"
    assert answer.score == pytest.approx(float(softmax(np.array([0.0, 2.0, 1.0, -1.0]))[1]))
    assert answer.value["label"] == max(answer.value["scores"], key=answer.value["scores"].get)
    assert tuple(answer.value) == TASK.answers
    assert json.loads(json.dumps(dict(answer.value))) == answer.value


def test_reasons_tell_missing_from_unknown_labels() -> None:
    assert TASK.reject({"text": "x", "label": "a"}) is None
    assert TASK.reject({"text": "x", "label": "e"}) == "unknown_label"
    assert TASK.reject({"text": "x", "label": ""}) == "missing_label"
    assert TASK.reject({"text": "x"}) == "missing_label"


@pytest.mark.parametrize(
    ("labels", "rule"),
    [(("a",), "at least 2"), (("a", "b", "a"), "every label must be listed once, found twice: a")],
)
def test_label_set_is_a_set_of_two_or_more(labels: tuple[str, ...], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        Options(kind="classification", labels=labels, out_of_scope=None)
