"""In: p-values. Out: Holm's, which are honest together."""

from __future__ import annotations

import numpy as np
import pytest

from components.holm import holm


def test_the_least_counts_for_all_and_the_greatest_for_itself() -> None:
    # 4 x 0.005, then 3 x 0.01, then 2 x 0.03, which 1 x 0.04 must not fall below.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_any_true_hypothesis_falls_no_more_often_than_asked_for() -> None:
    p_values = np.random.default_rng(1).random((4000, 8))
    fell = np.mean([min(holm(list(row))) <= 0.05 for row in p_values])
    assert 0.035 < fell < 0.06
