"""In: true and answered labels. Out: the confusion matrix, and precision and recall per label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from components.tasks.base import Array
from components.tasks.classification import f1_per_label


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


def label_table(names: Sequence[str], gold: Array, answer: Array) -> list[dict[str, Any]]:
    """Return precision, recall, F1 and the number of true rows of each label.

    A score whose denominator is 0 (never answered, never true) is None: it is not known.
    """
    matrix = confusion_matrix(gold, answer, len(names))
    hits, answered, true = matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)
    f1 = f1_per_label(gold, answer, len(names))
    return [
        {
            "label": name,
            "precision": _share(hits[index], answered[index]),
            "recall": _share(hits[index], true[index]),
            "f1": None if np.isnan(f1[index]) else float(f1[index]),
            "rows": int(true[index]),
        }
        for index, name in enumerate(names)
    ]


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
