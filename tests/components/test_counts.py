"""In: true and answered labels. Out: the confusion matrix and table that follow from them."""

from __future__ import annotations

import numpy as np
import pytest

from components.counts import confusion_matrix, label_table

GOLD = np.array([0, 0, 0, 1, 1, 2])
ANSWER = np.array([0, 0, 1, 1, 1, 0])


def test_rows_of_the_matrix_are_true_labels() -> None:
    assert confusion_matrix(GOLD, ANSWER, 4).tolist() == [
        [2, 1, 0, 0],
        [0, 2, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 0],
    ]


def test_table_is_the_one_computed_by_hand() -> None:
    first, second, third, fourth = label_table(["a", "b", "c", "d"], GOLD, ANSWER)
    assert first["precision"] == first["recall"] == first["f1"] == pytest.approx(2 / 3)
    assert second["precision"] == pytest.approx(2 / 3)
    assert second["recall"] == 1
    assert second["f1"] == pytest.approx(0.8)
    assert third == {"label": "c", "precision": None, "recall": 0.0, "f1": 0.0, "rows": 1}
    assert fourth == {"label": "d", "precision": None, "recall": None, "f1": None, "rows": 0}
