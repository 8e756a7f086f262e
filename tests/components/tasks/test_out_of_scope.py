from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from components.evaluation.slices import known
from components.scope import NO_LABEL, OutOfScope
from components.tasks import load_task
from components.tasks.base import Array, Example, Task, metrics
from components.tasks.classification import OUT, Options

LABELS = ("a", "b", "c")
NAMES = [*LABELS, OUT]


def options(**changes: Any) -> Options:
    whole = {"label": "oos", "score": "energy", "threshold": 1.5, "in_scope_share": 0.9}
    scope = OutOfScope.model_validate({**whole, **changes})
    return Options(kind="classification", labels=LABELS, out_of_scope=scope)


TASK = load_task(options())
OPEN = load_task(options(threshold=None))


def drawn(seed: int, rows: int = 40) -> tuple[list[Array], list[Array]]:
    """Return targets, a third of them and logits that are lower for those."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(NO_LABEL, 3, size=rows)
    logits = rng.normal(size=(rows, 3)) + 2 * np.eye(4)[targets][:, :3]
    return list(targets), list(logits)


def told(task: Task, examples: list[Example], logits: list[Array]) -> tuple[list[str], list[str]]:
    return [task.truth(e) for e in examples], [a.label for a in task.decode(logits)]


@pytest.mark.parametrize("task", [TASK, OPEN])
@pytest.mark.parametrize("seed", range(6))
def test_metrics_are_those_of_scikit_learn_with_one_label_more(task: Task, seed: int) -> None:
    examples, logits = task.from_tokens(*drawn(seed))
    gold, answers = told(task, examples, logits)
    found = metrics(task, examples, logits)
    inside = [g != OUT for g in gold]
    assert found["accuracy"] == pytest.approx(accuracy_score(gold, answers))
    assert found["macro_f1"] == pytest.approx(f1_score(gold, answers, average="macro"))
    assert found["in_scope_accuracy"] == pytest.approx(
        accuracy_score(np.array(gold)[inside], np.array(answers)[inside])
    )
    told_rightly = [a == OUT for g, a in zip(gold, answers, strict=True) if g == OUT]
    assert found["out_of_scope_recall"] == pytest.approx(np.mean(told_rightly))


def test_refused_text_has_no_label_and_the_probability_that_its_best_is_wrong() -> None:
    low, high = TASK.from_tokens([], [np.zeros(3), np.array([4.0, 0.0, 0.0])])[1]
    refused, given = TASK.decode([low, high])
    assert (refused.label, refused.value["label"]) == (OUT, None)
    assert refused.score == pytest.approx(2 / 3)
    assert (given.label, given.value["label"]) == ("a", "a")
    assert set(given.value["scores"]) == set(refused.value["scores"]) == set(LABELS)


def test_head_answers_the_labels_alone_and_people_see_one_more() -> None:
    assert TASK.outputs == LABELS
    assert TASK.labels == tuple(NAMES)
    examples: list[Example] = [{"label": "a"}, {"label": "oos"}]
    answers = TASK.decode(TASK.from_tokens([], [np.array([4.0, 0.0, 0.0]), np.zeros(3)])[1])
    assert TASK.confusion(examples, answers, TASK.labels) == [
        [1, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 1],
    ]
    assert [list(TASK.tags(e)) for e in examples] == [["a"], [OUT]]


@pytest.mark.parametrize("label", [OUT, "oos ", "OOS"])
def test_only_the_named_label_is_out_of_scope(label: str) -> None:
    assert TASK.reject({"text": "x", "label": "oos"}) is None
    assert TASK.reject({"text": "x", "label": label}) == "unknown_label"


def test_without_examples_out_of_scope_the_share_is_kept_and_their_recall_is_not_known() -> None:
    targets, rows = drawn(3, rows=400)
    inside = [(t, r) for t, r in zip(targets, rows, strict=True) if t != NO_LABEL]
    targets, rows = [t for t, _ in inside], [r for _, r in inside]
    task = load_task(OPEN.tuned(targets, rows))
    examples, logits = task.from_tokens(targets, rows)
    kept = np.mean([a.label != OUT for a in task.decode(logits)])
    assert 0.9 <= kept < 0.91
    found = metrics(task, examples, logits)
    assert np.isnan(found["out_of_scope_recall"])
    assert known(found)["out_of_scope_recall"] is None
    assert np.isfinite(found["macro_f1"])


@pytest.mark.parametrize("score", ["energy", "probability"])
def test_threshold_that_validation_sets_travels_and_is_what_epochs_are_compared_at(
    score: str,
) -> None:
    task = load_task(options(threshold=None, score=score))
    targets, rows = drawn(5)
    tuned = task.tuned(targets, rows)
    served = load_task(Options.read(tuned.stored()))
    assert task.tunes
    assert not served.tunes
    assert metrics(task, *task.from_tokens(targets, rows)) == metrics(
        served, *served.from_tokens(targets, rows)
    )


def test_options_without_it_are_stored_as_they_always_were() -> None:
    plain = Options(kind="classification", labels=LABELS, out_of_scope=None)
    assert plain.stored() == {"kind": "classification", "labels": list(LABELS)}
    assert Options.read({"kind": "classification", "labels": list(LABELS)}) == plain
    assert options().stored()["out_of_scope"]["threshold"] == 1.5


@pytest.mark.parametrize(
    ("labels", "named"), [(("a", "oos"), "'oos' must be none"), (("a", OUT), "must be none")]
)
def test_label_cannot_be_in_and_out_of_scope(labels: tuple[str, ...], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Options(kind="classification", labels=labels, out_of_scope=TASK.options.out_of_scope)  # type: ignore[attr-defined]
