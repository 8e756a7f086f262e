"""In: the targets of all training rows. Out: nested shares of them, each with every label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.schema import ID, PARENT_ID
from components.seeding import generator

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Subset:
    """Some of the training rows.

    Attributes:
        share: of all labels that was asked for.
        draw: which of several draws, from 0.
        labels: rows that a person labelled; their altered copies are not counted.
        rows: (rows,) numbers, rising, altered copies among them.
    """

    share: float
    draw: int
    labels: int
    rows: Rows


def roots(examples: Iterable[Mapping[str, Any]]) -> Rows:
    """Return, for each row, the number of the row it was made from; for most, its own.

    An altered copy costs no label, and without its original it would be one that nobody gave.
    """
    known = [(row[ID], row.get(PARENT_ID)) for row in examples]
    places = {name: number for number, (name, parent) in enumerate(known) if parent is None}
    # Copies of a row that is not there share one label too: the first of them stands for it.
    return np.array(
        [
            number if parent is None else places.setdefault(parent, number)
            for number, (_, parent) in enumerate(known)
        ],
        dtype=np.int64,
    )


def subsets(
    targets: npt.NDArray[Any], roots: Rows, shares: Sequence[float], draws: int, seed: int
) -> list[Subset]:
    """Draw every share, several times; within a draw each share lies within the next.

    Each label keeps its part of the whole, rounded, and at least one row: with a label that is
    absent one would measure its absence.

    Args:
        targets: (rows, ...); where a row has several, labels are not told apart.
        roots: (rows,) see `roots`.
        shares: of the labelled rows, rising.
        draws: how many.
        seed: draws the order of each label's rows.

    Returns:
        draws times shares subsets, share after share.
    """
    labelled = np.unique(roots)
    kinds = targets[labelled] if targets.ndim == 1 else np.zeros(len(labelled), dtype=np.int64)
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
