"""In: logits of labels, and the rows that have them. Out: thresholds from which on they hold.

All are exact: every threshold that parts the rows differently is tried, by sorting.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

FOLDS: Final = 5
SLIGHT: Final = 1e-9  # 0.05 of 100 is 5.000000000000004
# With how many true rows the common threshold counts against a label's own: from not at all to
# alone. Which one it is, the rows decide; the steps are fine enough that the next differs little.
PRIORS: Final = (0.0, *(2.0**power for power in range(11)), np.inf)


def best_alone(logits: Array, gold: Array) -> float:
    """Return the logit from which on one label is answered, so that its F1 is greatest.

    Args:
        logits: (rows,) of the label.
        gold: (rows,) whether it is true.
    """
    falling = np.sort(logits)[::-1]
    f1, _ = _f1_from_above(logits[:, None], gold[:, None])
    return _cut(falling, f1[:, 0])


def best_together(logits: Array, gold: Array) -> float:
    """Return the one logit for all labels, from which on each is answered, of greatest macro F1.

    Macro F1 is over the labels that are true or answered somewhere.

    Args:
        logits: (rows, labels).
        gold: (rows, labels) whether the label is true.
    """
    f1, falling = _f1_from_above(logits, gold)
    gains = np.diff(f1, axis=0, prepend=0.0)
    true = gold.any(axis=0)
    joins = np.zeros(logits.shape)
    joins[0, ~true] = 1  # a label that is nowhere true counts once it is answered
    order = np.argsort(-falling, axis=None, kind="stable")
    seen = true.sum() + joins.ravel()[order].cumsum()
    macro = gains.ravel()[order].cumsum() / np.maximum(seen, 1)
    return _cut(falling.ravel()[order], macro)


def best_each(logits: Array, gold: Array) -> Array:
    """Return (labels,) logits, each between the label's own best and the best for all.

    A threshold that is best on a handful of true rows is chance (Lewis, Yang, Rose and Li, RCV1,
    JMLR 5, 2004, guard theirs too). So a label's own counts as its true rows do, and the common
    one as a fixed number of rows: the number whose thresholds, set without a fifth of the rows,
    have the greatest macro F1 on that fifth. Among equals the greatest number is taken.

    Args:
        logits: (rows, labels).
        gold: (rows, labels) whether the label is true.
    """
    return _shrunk(logits, gold, _prior(logits, gold))


def keeping(evidence: Array, share: float) -> float:
    """Return the evidence from which on a text is in scope, so that this share of them is.

    Args:
        evidence: (rows,) of texts in scope.
        share: in (0, 1) of them to keep, at the least.
    """
    rising = np.sort(evidence.astype(np.float64))
    lost = int((1 - share) * len(rising) + SLIGHT)
    return float(rising[max(0, lost - 1) : lost + 1].mean())


def balanced(evidence: Array, inside: Array) -> float:
    """Return the evidence from which on a text is in scope, of greatest balanced accuracy.

    The mean of both shares told rightly, whatever the share of either among the rows: half of
    Youden's index and one half (Youden, Cancer 3, 1950).

    Args:
        evidence: (rows,).
        inside: (rows,) whether the text is in scope; both kinds must be there.
    """
    order = np.argsort(-evidence, kind="stable")
    within = inside[order]
    right = within.cumsum() / within.sum() + 1 - (~within).cumsum() / (~within).sum()
    return _cut(evidence[order], right)


def macro_f1(answered: Array, gold: Array) -> float:
    """Return the mean F1 of the labels that are true or answered somewhere; 0 if none is.

    Args:
        answered: (rows, labels).
        gold: (rows, labels).
    """
    total = answered.sum(axis=0) + gold.sum(axis=0)
    f1 = 2 * (answered & gold).sum(axis=0) / np.maximum(total, 1)
    return float(f1.sum() / max(1, int((total > 0).sum())))


def _prior(logits: Array, gold: Array) -> float:
    answered = {prior: np.zeros(gold.shape, dtype=bool) for prior in PRIORS}
    for held in _folds(len(gold)):
        for prior, some in answered.items():
            some[held] = logits[held] >= _shrunk(logits[~held], gold[~held], prior)
    scores = {prior: macro_f1(some, gold) for prior, some in answered.items()}
    return max(scores, key=lambda prior: (scores[prior], prior))


def _folds(rows: int) -> Iterator[Array]:
    """Yield (rows,) which rows are held out; none where all would be."""
    if rows > 1:
        place = np.arange(rows) % FOLDS
        yield from (place == fold for fold in range(min(FOLDS, rows)))


def _shrunk(logits: Array, gold: Array, prior: float) -> Array:
    common, true = best_together(logits, gold), gold.sum(axis=0)
    own = [
        best_alone(logits[:, label], gold[:, label]) if count else common
        for label, count in enumerate(true)
    ]
    weight = np.where(true > 0, true / np.maximum(true + prior, 1), 0.0)
    return common + weight * (np.array(own) - common)


def _f1_from_above(logits: Array, gold: Array) -> tuple[Array, Array]:
    """Return F1 of each label when its highest 1, 2, ... rows are answered, and those logits.

    Both (rows, labels).
    """
    order = np.argsort(-logits, axis=0, kind="stable")
    hits = np.take_along_axis(gold, order, axis=0).cumsum(axis=0)
    answered = np.arange(1, len(logits) + 1)[:, None]
    return 2 * hits / (answered + gold.sum(axis=0)), np.take_along_axis(logits, order, axis=0)


def _cut(falling: Array, score: Array) -> float:
    """Return the middle between the last value that is answered and the next, of greatest score.

    Equal values are answered together or not at all.
    """
    falling = falling.astype(np.float64)
    last = np.append(falling[1:] < falling[:-1], True)
    at = int(np.where(last, score, -1.0).argmax())
    return float(falling[at : at + 2].mean())
