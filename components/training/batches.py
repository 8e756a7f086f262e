"""In: the lengths of all rows. Out: an epoch's batches of rows of close to equal length."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.tasks.base import IGNORED, Array

Rows = npt.NDArray[np.int64]


def length_batches(
    lengths: npt.NDArray[np.int64], batch_size: int, generator: np.random.Generator
) -> list[Rows]:
    """Draw one epoch: every row once, batches of neighbours by length, in random order.

    Rows of one length are shuffled among themselves, so that batches differ between epochs. The
    one batch that may be short stands anywhere among the lengths: were it always the last, it
    would always hold the longest rows.

    Args:
        lengths: (rows,) tokens of each row.
        batch_size: rows per batch.
        generator: draws the order.

    Returns:
        ceil(rows / batch_size) arrays of row numbers; within each, shorter rows come first.
    """
    shuffled = generator.permutation(len(lengths))
    by_length = shuffled[np.argsort(lengths[shuffled], kind="stable")]
    count = -(-len(lengths) // batch_size)
    sizes = np.full(count, batch_size)
    sizes[generator.integers(count)] -= count * batch_size - len(lengths)
    batches = np.split(by_length, np.cumsum(sizes)[:-1])
    return [batches[index] for index in generator.permutation(count)]


def token_batches(
    lengths: npt.NDArray[np.int64], tokens: int, generator: np.random.Generator
) -> list[Rows]:
    """Draw one epoch: every row once, batches of neighbours by length that fit a budget of tokens.

    Rows of one length are shuffled among themselves. Of the batches, as many for every draw, the
    one that may be short holds the shortest rows.

    Args:
        lengths: (rows,) tokens of each row.
        tokens: of a batch at most, each row counted as long as the longest; a row that is longer
            is a batch of its own.
        generator: draws the order.

    Returns:
        Arrays of row numbers; within each, shorter rows come first.
    """
    shuffled = generator.permutation(len(lengths))
    by_length = shuffled[np.argsort(lengths[shuffled], kind="stable")]
    batches = np.split(by_length, token_bounds(lengths, tokens)[1:-1])
    return [batches[index] for index in generator.permutation(len(batches))]


def token_bounds(lengths: npt.NDArray[np.int64], tokens: int) -> list[int]:
    """Return where the batches begin and end among the rows by length, 0 and all rows included."""
    rising = np.sort(lengths)
    bounds = [len(rising)]
    while bounds[0]:
        count = max(1, tokens // int(rising[bounds[0] - 1]))
        bounds.insert(0, max(0, bounds[0] - count))
    return bounds


def sorted_batches(lengths: npt.NDArray[np.int64], batch_size: int) -> list[Rows]:
    """Cut all rows, shortest first, into batches: for scoring, where the order is free."""
    by_length = np.argsort(lengths, kind="stable")
    return np.split(by_length, range(batch_size, len(lengths), batch_size))


def micro_batches(batch: Rows, count: int) -> list[Rows]:
    """Cut one batch into at most `count` parts of close to equal size, none of them empty."""
    return np.array_split(batch, min(count, len(batch)))


def learned(targets: Array) -> int:
    """Return how many of (rows, ...) targets are learned from: what a summed loss is a sum over.

    Gradients are divided by that of the whole step, not by its rows: of a step in which rows have
    unequally many targets, or some have none, each target then counts alike, however the step is
    cut into parts.
    """
    return int((targets != IGNORED).sum())
