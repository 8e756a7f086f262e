"""In: answers whose calibration is known. Out: the laws of the interval of its error."""

from __future__ import annotations

import numpy as np
import pytest

from components.calibration import calibration
from components.gate.calibration import Ask
from components.tasks.base import Prediction
from tests.components.gate.drawn import calibration_interval

ASK = Ask(bins=10, confidence=0.95)


def predictions(scores: np.ndarray) -> list[Prediction]:
    return [Prediction("track", float(score), np.array([score, 1 - score])) for score in scores]


def answers(rows: int, shift: float, seed: int = 0) -> tuple[list[Prediction], np.ndarray]:
    """Return answers that are right more often than they are sure, by `shift`."""
    rng = np.random.default_rng(seed)
    sure = rng.uniform(0.1, 0.7, rows)
    return predictions(sure), rng.random(rows) < sure + shift


def names(rows: int, size: int = 1) -> list[str]:
    return [f"customer {row // size}" for row in range(rows)]


def test_error_and_bins_are_those_of_evaluation() -> None:
    given, right = answers(300, 0.1)
    found = calibration_interval(given, right, names(300), ASK)
    expected = calibration(np.array([p.score for p in given]), right, 10)
    assert found["error"] == expected["error"]
    assert found["bins"] == expected["bins"]


def test_the_interval_holds_the_error_that_was_planted() -> None:
    given, right = answers(2000, 0.2)
    found = calibration_interval(given, right, names(2000), ASK)
    assert 0.1 < found["low"] < 0.2 < found["high"] < 0.3


def test_the_lower_bound_allows_for_the_chance_that_looks_like_an_error() -> None:
    given, right = answers(300, 0.0)
    found = calibration_interval(given, right, names(300), ASK)
    assert found["error"] > 0.03
    assert found["low"] < 0.01


def test_rows_that_repeat_one_another_tell_less() -> None:
    given, right = answers(300, 0.2)
    thrice, right_thrice = [p for p in given for _ in range(3)], np.repeat(right, 3)
    together = calibration_interval(thrice, right_thrice, names(900, 3), ASK)
    apart = calibration_interval(thrice, right_thrice, names(900), ASK)
    assert together["error"] == pytest.approx(apart["error"])
    assert together["high"] - together["low"] > 1.3 * (apart["high"] - apart["low"])


def test_the_same_seed_gives_the_same_interval() -> None:
    given, right = answers(100, 0.1)
    asked = [calibration_interval(given, right, names(100), ASK) for _ in range(2)]
    assert asked[0] == asked[1]


def test_answers_that_are_sure_and_right_still_leave_some_doubt() -> None:
    found = calibration_interval(predictions(np.ones(50)), np.ones(50, dtype=bool), names(50), ASK)
    assert found["error"] == found["low"] == 0
    assert 0 < found["high"] < 0.2
