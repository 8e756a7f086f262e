"""In: confidences and whether they were right. Out: the laws of the calibration error."""

from __future__ import annotations

import numpy as np
import pytest

from components.calibration import calibration


def test_error_is_the_one_computed_by_hand() -> None:
    confidence = np.array([0.55, 0.65, 0.9, 1.0, 0.2])
    correct = np.array([True, False, True, True, False])
    report = calibration(confidence, correct, bins=2)
    # low bin: one row, |0 - 0.2|; high bin: four rows, |3/4 - 3.1/4|
    assert report["error"] == pytest.approx(1 / 5 * 0.2 + 4 / 5 * 0.025)
    assert [b["rows"] for b in report["bins"]] == [1, 4]
    assert report["bins"][1]["accuracy"] == pytest.approx(0.75)
    assert report["bins"][1]["confidence"] == pytest.approx(0.775)


def test_an_empty_bin_has_no_scores_and_no_weight() -> None:
    report = calibration(np.array([1.0, 1.0]), np.array([True, True]), bins=10)
    assert report["error"] == 0
    assert report["bins"][0] == {
        "low": 0.0,
        "high": 0.1,
        "rows": 0,
        "confidence": None,
        "accuracy": None,
    }


def test_always_sure_and_half_right_is_off_by_a_half() -> None:
    report = calibration(np.ones(8), np.arange(8) % 2 == 0, bins=15)
    assert report["error"] == pytest.approx(0.5)


def test_a_bin_is_open_below_and_closed_above() -> None:
    report = calibration(np.array([0.0, 0.5, 0.51]), np.ones(3, dtype=bool), bins=2)
    assert [b["rows"] for b in report["bins"]] == [2, 1]


def test_error_does_not_depend_on_row_order() -> None:
    random = np.random.default_rng(0)
    confidence, correct = random.random(200), random.random(200) < 0.5
    order = random.permutation(200)
    expected = calibration(confidence, correct, 15)["error"]
    assert calibration(confidence[order], correct[order], 15)["error"] == pytest.approx(expected)
