"""In: encoded examples. Out: what a head would say that answers all of them rightly, or wrongly."""

from __future__ import annotations

import numpy as np

from components.tasks.base import Array, Encoded, Task

SURE = 10.0


def perfect_rows(task: Task, encoded: Encoded) -> list[Array]:
    """Return each row's head output, (outputs,) or (tokens, outputs), right and sure."""
    assert encoded.targets is not None
    return [
        _row(task, np.asarray(target), len(ids))
        for target, ids in zip(encoded.targets, encoded.input_ids, strict=True)
    ]


def perfect(task: Task, encoded: Encoded) -> list[Array]:
    """Return each example's logits, right and sure."""
    return task.gather(encoded, perfect_rows(task, encoded))


def wrong(task: Task, encoded: Encoded) -> list[Array]:
    """Return each example's logits, sure of something else."""
    return task.gather(encoded, [_otherwise(task, row) for row in perfect_rows(task, encoded)])


def random(task: Task, encoded: Encoded, seed: int) -> list[Array]:
    """Return each example's logits of a head that knows nothing."""
    rng = np.random.default_rng(seed)
    rows = [rng.normal(size=row.shape) for row in perfect_rows(task, encoded)]
    return task.gather(encoded, rows)


def _row(task: Task, target: Array, tokens: int) -> Array:
    # Without outputs of its own a task ranks its labels; that is what is put together later.
    outputs = len(task.outputs or task.labels)
    if task.loss == "span":
        row = np.full((tokens, outputs), -SURE)
        row[target, np.arange(outputs)] = SURE
        return row
    if task.loss in {"many_labels", "value"}:
        return np.atleast_1d((2.0 * target - 1.0) * SURE)
    if task.loss == "label_or_none" and target < 0:
        return np.zeros(outputs)
    one_hot: Array = np.eye(outputs)[np.maximum(target, 0)]
    return (2.0 * one_hot - 1.0) * SURE


def _otherwise(task: Task, row: Array) -> Array:
    if task.loss in {"many_labels", "value"}:
        return -row
    return np.roll(row, 1, axis=0 if task.loss == "span" else -1)
