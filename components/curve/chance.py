"""In: the answers of every training. Out: what else their errors might have been."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from components.tasks.base import Array

CHUNK: Final = 256
Score = Callable[[Array], Array]
Numbers = npt.NDArray[np.int64]


def redrawn(
    tallies: Sequence[Array], score: Score, groups: Numbers, draws: int, random: np.random.Generator
) -> Array:
    """Score all trainings on the same validation rows, drawn anew: whole groups, with replacement.

    Rows of one customer resemble one another, so that they come and go together.

    Args:
        tallies: per training (rows, counts); see Task.tallies.
        score: of summed tallies.
        groups: (rows,) the number of each row's group, from 0.
        draws: how many.
        random: draws.

    Returns:
        (draws, trainings) scores; a draw on which a score is not defined repeats the real rows.
    """
    count = int(groups.max()) + 1
    sums = [np.stack([np.bincount(groups, part, count) for part in each.T], 1) for each in tallies]
    whole = np.array([score(each.sum(axis=0)) for each in sums])
    parts = []
    for start in range(0, draws, CHUNK):
        weights = random.multinomial(count, [1 / count] * count, min(CHUNK, draws - start))
        parts.append(np.stack([score(weights @ each) for each in sums], axis=1))
    drawn = np.concatenate(parts)
    return np.where(np.isfinite(drawn), drawn, whole)


def by_share(errors: Array, shares: Sequence[float]) -> tuple[list[float], Array]:
    """Return the shares, rising, and (..., shares) the geometric mean of each one's errors."""
    kinds = sorted(set(shares))
    places = {kind: [i for i, share in enumerate(shares) if share == kind] for kind in kinds}
    return kinds, np.stack([_mean(errors[..., places[kind]]) for kind in kinds], axis=-1)


def _mean(errors: Array) -> Array:
    mean: Array = np.exp(np.log(errors).mean(axis=-1))
    return mean


def luck(errors: Mapping[float, Sequence[float]], draws: int, random: np.random.Generator) -> Array:
    """Return (draws, shares) factors on each share's mean error: what other seeds might give.

    The logarithms of a share's errors are taken as normal, with one variance for all shares, which
    is itself uncertain: it was seen on so few trainings (hence Student's t, not a normal).

    Args:
        errors: by share, rising, one per training; two or more for one share at least.
        draws: how many.
        random: draws.
    """
    logs = [np.log(list(values)) for values in errors.values()]
    freedom = sum(len(each) - 1 for each in logs)
    squares = sum(float(((each - each.mean()) ** 2).sum()) for each in logs)
    spread = np.sqrt(squares / random.chisquare(freedom, (draws, 1)))
    noise = random.standard_normal((draws, len(logs))) / np.sqrt([len(each) for each in logs])
    factors: Array = np.exp(spread * noise)
    return factors
