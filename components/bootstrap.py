"""In: tallies by group, and scores of them. Out: how far each figure may be from the truth.

Whole groups are drawn with replacement, since rows of one customer or template resemble one
another; all figures, and both models of a difference, are scored on the very same draws.
Davison and Hinkley, Bootstrap Methods and their Application, 1997, sections 3.8 and 5.3.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar

import numpy as np
from scipy import sparse
from scipy.stats import norm

from components.arrays import Array

# Resamples, or groups left out, per matrix product; and weights, which bound memory with 16 bytes.
CHUNK: Final = 256
WEIGHTS: Final = 1_300_000
# Resamples that are drawn together: few enough that they stay in the processor's cache.
BLOCK: Final = 32
# An acceleration further from 0 comes of so few groups that its own error is larger than its use.
STEEPEST: Final = 0.2
SAME: Final = 1e-9

Score = Callable[[Array], Array]
Sums: TypeAlias = Array | sparse.csr_array
T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """A score, or the first score less the second.

    Attributes:
        scores: of one model or two: summed tallies, (..., tallies), to (...).
        sums: of the same: (groups, tallies), groups in the same order; dense or sparse.
        index: (groups,) their numbers among all that are drawn; None where these are all.
    """

    scores: Sequence[Score]
    sums: Sequence[Sums]
    index: Array | None = None

    def __call__(self, parts: Sequence[Array]) -> Array:
        """Return the figure of summed tallies, (..., tallies) per model."""
        first, *second = (score(part) for score, part in zip(self.scores, parts, strict=True))
        return first - second[0] if second else first


@dataclass(frozen=True)
class Spread:
    """What resampling says about one figure.

    Attributes:
        estimate: on all rows.
        drawn: (resamples,) the figure of each draw that has a score, widened about the estimate.
        se: standard error, widened likewise.
        acceleration: how fast the standard error changes with the figure; a sixth of its skewness.
    """

    estimate: float
    drawn: Array
    se: float
    acceleration: float

    def bounds(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided interval: on each side the more careful of two bounds.

        One is normal, which does not depend on how few values a share of few rows can have. The
        other follows the skewness of what was drawn: Efron, Better Bootstrap Confidence Intervals,
        JASA 82, 1987, with the acceleration in place of the bias correction, as for a mean; draws
        that lie off the estimate do so here by chance among few answers, or by a bias of the
        score that the correction would double.
        """
        z = float(norm.isf((1 - confidence) / 2))
        low, high = self.estimate - z * self.se, self.estimate + z * self.se
        if not len(self.drawn):
            return low, high
        a = self.acceleration
        levels = norm.cdf([a + (a + side) / max(1 - a * (a + side), SAME) for side in (-z, z)])
        skewed = np.quantile(self.drawn, levels)
        return min(low, float(skewed[0])), max(high, float(skewed[1]))

    def p_value(self, at: float, side: int) -> float:
        """Return the one-sided p-value of "the truth is at `at`, or beyond it".

        The level at which the interval's bound reaches `at`; the resamples bound it from below.

        Args:
            at: the value that is to be refuted.
            side: 1 to show that the truth is above `at`, -1 that it is below.
        """
        p_value = float(norm.cdf(side * (at - self.estimate) / self.se))
        if not len(self.drawn):
            return p_value
        beyond = int((side * (self.drawn - at) <= SAME).sum())
        a = side * self.acceleration
        from_middle = float(norm.ppf((beyond + 1) / (len(self.drawn) + 2))) - a
        return max(p_value, float(norm.cdf(from_middle / max(1 + a * from_middle, SAME) - a)))


@dataclass(frozen=True)
class Question(Generic[T]):
    """Figures of the same groups, and what their spreads tell.

    Attributes:
        figures: what is scored.
        groups: how many there are to draw from.
        told: makes the answer of the figures' spreads.
    """

    figures: Sequence[Figure]
    groups: int
    told: Callable[[Sequence[Spread]], T]


def answer(question: Question[T], resamples: int, rng: np.random.Generator) -> T:
    """Draw, and answer."""
    return question.told(spreads(question.figures, question.groups, resamples, rng))


def together(questions: Sequence[Question[Any]]) -> Question[list[Any]]:
    """Return questions about the same groups as one: drawing takes longer than most of them."""
    ends = np.cumsum([len(each.figures) for each in questions])[:-1]
    (groups,) = {each.groups for each in questions}

    def told(found: Sequence[Spread]) -> list[Any]:
        bounds = zip([0, *ends], [*ends, len(found)], strict=True)
        return [
            each.told(found[first:end])
            for each, (first, end) in zip(questions, bounds, strict=True)
        ]

    return Question([figure for each in questions for figure in each.figures], groups, told)


def spreads(
    figures: Sequence[Figure], groups: int, resamples: int, rng: np.random.Generator
) -> list[Spread]:
    """Return the spread of every figure, all on the same draws of whole groups.

    Args:
        figures: what is scored.
        groups: how many there are to draw from, and how many each draw holds.
        resamples: how many draws.
        rng: where the draws come from.
    """
    # Several scores are of the same tallies, which are summed once.
    blocks = {_block(figure, part): (figure, part) for figure in figures for part in figure.sums}
    columns = [_columns(part, figure.index, groups) for figure, part in blocks.values()]
    stacked, places = sparse.vstack(columns, format="csr"), _bounds(columns)
    drawn: list[list[Array]] = [[] for _ in figures]
    for weights in _ahead(_draws(groups, resamples, rng)):
        summed = dict(zip(blocks, np.split(stacked @ weights, places), strict=True))
        for figure, scored in zip(figures, drawn, strict=True):
            parts = [summed[_block(figure, part)] for part in figure.sums]
            # (resamples, tallies) each.
            scored.append(figure([part.T.astype(np.float64) for part in parts]))
    return [
        _spread(figure, np.concatenate(parts)) for figure, parts in zip(figures, drawn, strict=True)
    ]


def by_group(tallies: Array, groups: Sequence[str]) -> Array:
    """Return (groups, tallies): the sums over the examples of each group, groups by name."""
    names, index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    found: Array = membership(index, len(names)) @ tallies
    return found


def membership(index: Array, groups: int) -> sparse.csr_array:
    """Return (groups, examples) 1 where an example is of a group, given the number of its group."""
    return sparse.csr_array(
        (np.ones(len(index)), (index, np.arange(len(index)))), shape=(groups, len(index))
    )


def hidden(groups: int) -> float:
    """Return the standard error of what so many groups may hide when none of them moves a figure.

    Two more are counted, one that moves it up by all of its weight and one down.
    """
    return float(np.sqrt(2) / (groups + 2))


def _dense(part: Sums) -> Array:
    return part if isinstance(part, np.ndarray) else part.toarray()


def _block(figure: Figure, part: Sums) -> tuple[int, int]:
    """Return what tells tallies and their groups from others; figures keep both alive."""
    return id(part), id(figure.index)


def _bounds(columns: Sequence[sparse.csr_array]) -> Array:
    """Return where each begins when they stand one above the other, but for the first."""
    found: Array = np.cumsum([each.shape[0] for each in columns])[:-1]
    return found


def _columns(sums: Sums, index: Array | None, groups: int) -> sparse.csr_array:
    """Return (tallies, groups) float32, which holds counts up to 2^24 exactly.

    An example has few tallies that are not 0, and each slice few of the groups.
    """
    found = sparse.coo_array(sums.T.astype(np.float32))
    tally, group = found.coords
    own = group if index is None else index[group]
    return sparse.csr_array((found.data, (tally, own)), shape=(found.shape[0], groups))


def _draws(groups: int, resamples: int, rng: np.random.Generator) -> Iterator[Array]:
    """Yield (groups, some resamples) float32: how often each group is drawn.

    Overwritten when the one after the next is made.
    """
    chunk = max(1, min(CHUNK, WEIGHTS // groups, resamples))
    buffers = itertools.cycle([np.empty((groups, chunk), dtype=np.float32) for _ in range(2)])
    offsets = groups * np.arange(BLOCK)[:, None]
    for start in range(0, resamples, chunk):
        size, weights = min(chunk, resamples - start), next(buffers)
        for at in range(0, size, BLOCK):
            rows = min(BLOCK, size - at)
            cells = rng.integers(0, groups, (rows, groups)) + offsets[:rows]
            counts = np.bincount(cells.ravel(), minlength=rows * groups)
            weights[:, at : at + rows] = counts.reshape(rows, groups).T
        yield weights[:, :size]


def _ahead(items: Iterator[Array]) -> Iterator[Array]:
    """Yield the items, each made on another thread while the one before is in use."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item


def _spread(figure: Figure, drawn: Array) -> Spread:
    """Widen what was drawn by two groups more that move the figure, one up and one down.

    Where few groups move a figure, resampling sees less than there is: of models that never
    differ it says that they never will. Agresti and Min, Biometrics 61, 2005, and Bonett and
    Price, JEBS 37, 2012, add such pairs of proportions; here in numbers of groups, so that it
    holds for any score.
    """
    estimate = float(figure([part.sum(axis=0) for part in figure.sums]))
    influence = _influence(figure)
    drawn = drawn[np.isfinite(drawn)]
    squares = float((influence**2).sum())
    if squares <= SAME**2 or len(drawn) < 2:  # noqa: PLR2004 - a spread takes two
        se = hidden(len(influence)) if np.isfinite(estimate) else np.nan
        return Spread(estimate, drawn[:0], se, 0.0)
    # As many equal ones would have this much weight in their squares: 1/n of it each.
    moving = squares**2 / float((influence**4).sum())
    acceleration = float((influence**3).sum()) / (6 * squares**1.5)
    wider = np.sqrt((moving + 2) / moving)
    return Spread(
        estimate=estimate,
        drawn=estimate + wider * (drawn - estimate),
        se=float(wider * drawn.std(ddof=1)),
        acceleration=float(np.clip(acceleration, -STEEPEST, STEEPEST)),
    )


def _influence(figure: Figure) -> Array:
    """Return (groups,) how much each group moves the figure up, by leaving it out."""
    totals = [part.sum(axis=0) for part in figure.sums]
    parts = []
    for start in range(0, figure.sums[0].shape[0], CHUNK):
        rows = [_dense(part[start : start + CHUNK]) for part in figure.sums]
        parts.append(figure([total - row for total, row in zip(totals, rows, strict=True)]))
    left_out: Array = np.concatenate(parts)
    left_out = left_out[np.isfinite(left_out)]
    influence: Array = left_out.mean() - left_out if len(left_out) else left_out
    return influence
