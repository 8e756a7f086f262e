"""In: probabilities of labels. Out: the value of an answer, made as far as it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

DIGITS: Final = 6


class Scored(Mapping[str, Any]):
    """An answer's value; the probability of every label is worked out when it is asked for.

    Ten thousand answers of 77 labels are judged without anybody reading three quarters of a million
    probabilities.

    Args:
        labels: of the task.
        best: which of them is the answer.
        row: (labels,) probabilities.
    """

    __slots__ = ("_best", "_labels", "_row")

    def __init__(self, labels: Sequence[str], best: int, row: npt.NDArray[np.float64]) -> None:
        self._labels, self._best, self._row = labels, best, row

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a JSON value
        if name == "label":
            return self._labels[self._best]
        if name == "score":
            return round(float(self._row[self._best]), DIGITS)
        if name == "scores":
            rounded = (round(share, DIGITS) for share in self._row.tolist())
            return dict(zip(self._labels, rounded, strict=True))
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(("label", "score", "scores"))

    def __len__(self) -> int:
        return 3
