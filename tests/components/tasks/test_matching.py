from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    confusion_matrix,
    label_ranking_average_precision_score,
    ndcg_score,
    top_k_accuracy_score,
)

from components.anchors import anchored
from components.tasks import load_task
from components.tasks.base import metrics
from components.tasks.matching import Options

ITEMS = {f"item{number}": f"the text of {number}" for number in range(12)}
TASK = load_task(Options(kind="matching", items=ITEMS, scale=10.0, pooling="mean"))


@pytest.mark.parametrize("seed", range(6))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gold, logits = rng.integers(0, 12, 50), rng.normal(size=(50, 12))
    true = np.eye(12)[gold]
    found = metrics(TASK, [{"item": TASK.labels[i]} for i in gold], list(logits))
    tops = {
        f"recall_at_{k}": top_k_accuracy_score(gold, logits, k=k, labels=range(12))
        for k in (1, 5, 10)
    }
    # With one relevant item, average precision is the reciprocal rank.
    rank = label_ranking_average_precision_score(true, logits)
    assert found == pytest.approx(tops | {"mrr": rank, "ndcg": ndcg_score(true, logits)})


def test_of_equal_items_the_first_is_answered_and_ranks_first() -> None:
    logits = [np.zeros(12), np.zeros(12)]
    examples = [{"item": "item0"}, {"item": "item3"}]
    assert [answer.label for answer in TASK.decode(logits)] == ["item0", "item0"]
    found = metrics(TASK, examples, logits)
    assert found["mrr"] == pytest.approx((1 + 1 / 4) / 2)
    assert found["recall_at_1"] == TASK.right(examples, TASK.decode(logits)).mean()


def test_an_answer_ranks_the_five_best_with_their_probabilities() -> None:
    (answer,) = TASK.decode([np.arange(12.0)])
    ranking = answer.value["ranking"]
    assert [each["item"] for each in ranking] == [f"item{n}" for n in (11, 10, 9, 8, 7)]
    assert ranking[0] == {"item": answer.label, "score": answer.value["score"]}
    assert ranking[0]["score"] == pytest.approx(1 / np.exp(-np.arange(12.0)).sum(), abs=1e-6)


def test_confusion_and_table_are_of_the_best_item() -> None:
    rng = np.random.default_rng(1)
    gold, logits = rng.integers(0, 12, 30), rng.normal(size=(30, 12))
    examples, answers = [{"item": TASK.labels[i]} for i in gold], TASK.decode(list(logits))
    expected = confusion_matrix(gold, logits.argmax(axis=1), labels=range(12))
    assert TASK.confusion(examples, answers, TASK.labels) == expected.tolist()
    assert [row["rows"] for row in TASK.table(examples, answers)] == expected.sum(axis=1).tolist()


def test_logits_are_scaled_cosines_whatever_the_company() -> None:
    matched = anchored(TASK)
    assert matched is not None
    rng = np.random.default_rng(0)
    rows, anchors = (
        (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)
        for values in (rng.normal(size=(9, 384)), rng.normal(size=(12, 384)))
    )
    together = matched.against(rows, anchors)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, 10 * rows @ anchors.T, atol=1e-5)
    alone = np.concatenate([matched.against(row[None], anchors) for row in rows])
    np.testing.assert_array_equal(together, alone)


def test_anchors_are_requests_in_the_order_of_the_labels() -> None:
    matched = anchored(TASK)
    assert matched is not None
    assert [anchor["text"] for anchor in matched.anchors()] == list(ITEMS.values())
    assert TASK.labels == tuple(ITEMS)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"items": {"a": "x"}}, "at least 2"),
        ({"items": {"a": "x", "b": " "}}, "a name and a text"),
        ({"items": {"": "x", "b": "y"}}, "a name and a text"),
        ({"items": {"a": "Same text", "b": "same  text"}}, "different texts, found alike: a, b"),
        ({"scale": 0.0}, "greater than 0"),
        ({"pooling": "first"}, "mean"),
    ],
)
def test_items_are_told_apart_by_their_texts(change: dict[str, object], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        Options.model_validate(TASK.options.model_dump() | change)
