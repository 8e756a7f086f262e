"""In: which answers of two models were right. Out: whether as many were fixed as were broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from scipy.stats import binomtest

from components.tasks.base import Array

EVEN: Final = 0.5


@dataclass(frozen=True)
class Flips:
    """Answers that changed between right and wrong.

    Attributes:
        fixed: wrong by the champion, right by the candidate.
        broken: right by the champion, wrong by the candidate.
        p_value: of the exact McNemar test, two-sided; 1 when nothing changed.
    """

    fixed: int
    broken: int
    p_value: float


def mcnemar(candidate: Array, champion: Array) -> Flips:
    """Test whether accuracy differs, exactly, from the answers that changed.

    McNemar, Psychometrika 12, 1947, with the binomial distribution in place of chi-squared.

    Args:
        candidate: (examples,) whether its answer is right.
        champion: (examples,) likewise.
    """
    fixed = int((candidate & ~champion).sum())
    broken = int((~candidate & champion).sum())
    changed = fixed + broken
    p_value = float(binomtest(fixed, changed, EVEN).pvalue) if changed else 1.0
    return Flips(fixed, broken, p_value)
