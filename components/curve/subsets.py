"""In: the targets of all training rows. Out: nested shares of them, each with every label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.seeding import generator

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Subset:
    """Some of the training rows.

    Attributes:
        share: of all labels that was asked for.
        draw: which of several draws, from 0.
        labels: texts that a person labelled; their altered copies are not counted.
        rows: (rows,) numbers of tokens' rows, rising, altered copies among them.
    """

    share: float
    draw: int
    labels: int
    rows: Rows


def subsets(
    targets: npt.NDArray[Any], roots: Rows, shares: Sequence[float], draws: int, seed: int
) -> list[Subset]:
    """Draw every share, several times; within a draw each share lies within the next.

    Each label keeps its part of the whole, rounded, and at least one row: with a label that is
    absent one would measure its absence.

    Args:
        targets: (rows, ...) or (tokens,); where a row has several, labels are not told apart.
        roots: (rows,) the number of the labelled text that each row is from.
        shares: of the labelled texts, rising.
        draws: how many.
        seed: draws the order of each label's rows.

    Returns:
        draws times shares subsets, share after share.
    """
    labelled, first = np.unique(roots, return_index=True)
    single = targets.ndim == 1 and len(targets) == len(roots)
    kinds = targets[first] if single else np.zeros(len(labelled), dtype=np.int64)
    found = []
    for share in shares:
        for draw in range(draws):
            kept = np.concatenate(
                [
                    _part(labelled[kinds == kind], share, generator(seed, "curve", draw, kind))
                    for kind in np.unique(kinds).tolist()
                ]
            )
            rows = np.flatnonzero(np.isin(roots, kept)).astype(np.int64)
            found.append(Subset(share, draw, len(kept), rows))
    return found


def _part(rows: Rows, share: float, order: np.random.Generator) -> Rows:
    return order.permutation(rows)[: max(1, round(share * len(rows)))]
