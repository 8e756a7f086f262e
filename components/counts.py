"""In: true and answered labels. Out: the confusion matrix, and precision and recall per label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from components.spans import Span

Array = npt.NDArray[Any]


def confusion_matrix(gold: Array, answer: Array, labels: int) -> Array:
    """Count how often each true label (row) was answered by each label (column).

    Args:
        gold: (rows,) indices of the true labels.
        answer: (rows,) indices of the answered labels.
        labels: how many there are.

    Returns:
        (labels, labels) int64.
    """
    counts = np.bincount(gold * labels + answer, minlength=labels * labels)
    return counts.reshape(labels, labels)


def f1_per_label(gold: Array, answer: Array, labels: int) -> Array:
    """Return (labels,) F1 = 2 TP / (2 TP + FP + FN), NaN for labels never true or answered."""
    hit = np.bincount(gold[gold == answer], minlength=labels)
    total = np.bincount(gold, minlength=labels) + np.bincount(answer, minlength=labels)
    return np.where(total == 0, np.nan, 2 * hit / np.maximum(total, 1))


def label_table(names: Sequence[str], gold: Array, answer: Array) -> list[dict[str, Any]]:
    """Return precision, recall, F1 and the number of true rows of each label.

    A score whose denominator is 0 (never answered, never true) is None: it is not known.
    """
    matrix = confusion_matrix(gold, answer, len(names))
    return counted_table(names, matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1))


def counted_table(
    names: Sequence[str], hits: Array, answered: Array, true: Array
) -> list[dict[str, Any]]:
    """Return precision, recall, F1 and the number of true ones of each label, from counts.

    Args:
        names: the labels.
        hits: (labels,) how often it was answered where it is true.
        answered: (labels,) how often it was answered.
        true: (labels,) how often it is true.
    """
    return [
        {
            "label": name,
            "precision": _share(hits[index], answered[index]),
            "recall": _share(hits[index], true[index]),
            "f1": _share(2 * hits[index], answered[index] + true[index]),
            "rows": int(true[index]),
        }
        for index, name in enumerate(names)
    ]


def span_table(
    names: Sequence[str], true: Iterable[Sequence[Span]], answered: Iterable[Sequence[Span]]
) -> list[dict[str, Any]]:
    """Return precision, recall, F1 and the number of true spans of each label, text by text."""
    counts: list[Counter[str]] = [Counter(), Counter(), Counter()]
    for real, found in zip(true, answered, strict=True):
        for counter, spans in zip(counts, (set(real) & set(found), found, real), strict=True):
            counter.update(span.label for span in spans)
    return counted_table(names, *(np.array([count[name] for name in names]) for count in counts))


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
