from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import balanced_accuracy_score

from components.scope import OutOfScope
from components.thresholds import balanced, keeping


def scope(**changes: Any) -> OutOfScope:
    whole = {"label": "oos", "score": "energy", "threshold": None, "in_scope_share": 0.9}
    return OutOfScope(**{**whole, **changes})


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("rows", [1, 7, 20, 100, 333])
def test_threshold_keeps_the_share_and_no_more_than_it_must(share: float, rows: int) -> None:
    evidence = np.random.default_rng(rows).normal(size=rows)
    kept = int((evidence >= keeping(evidence, share)).sum())
    assert kept / rows >= share - 1e-9
    assert (kept - 1) / rows < share


def test_equal_evidence_is_kept_together() -> None:
    assert (np.full(20, 3.0) >= keeping(np.full(20, 3.0), 0.5)).all()


@pytest.mark.parametrize("decimals", [9, 0])
@pytest.mark.parametrize("seed", range(15))
def test_no_threshold_has_a_greater_balanced_accuracy(seed: int, decimals: int) -> None:
    rng = np.random.default_rng(seed)
    inside = np.append(rng.random(20) < 0.7, [True, False])
    evidence = np.round(rng.normal(size=22) + inside, decimals)
    values = np.unique(evidence)
    cuts = [values[0], *((values[1:] + values[:-1]) / 2)]
    found = balanced_accuracy_score(inside, evidence >= balanced(evidence, inside))
    best = max(balanced_accuracy_score(inside, evidence >= cut) for cut in cuts)
    assert found == pytest.approx(best)


def test_energy_sees_the_level_of_logits_and_probability_does_not() -> None:
    logits = np.array([1.0, 3.0, 2.0], np.float32)
    energy, probability = scope(), scope(score="probability")
    assert energy.evidence(logits) == pytest.approx(np.log(np.exp([1.0, 3.0, 2.0]).sum()))
    assert energy.evidence(logits + 5) == pytest.approx(energy.evidence(logits) + 5)
    assert probability.evidence(logits) == pytest.approx(np.exp(3) / np.exp([1, 2, 3]).sum())
    assert probability.evidence(logits + 5) == pytest.approx(probability.evidence(logits))
    assert probability.evidence(np.array([1e4, -1e4])) == 1.0


def test_threshold_is_the_given_one_or_set_by_what_rows_there_are() -> None:
    evidence, inside = np.array([5.0, 4.0, 3.0, 0.0]), np.array([True, True, True, False])
    assert scope(threshold=9.0).set_on(evidence, inside) == 9.0
    assert scope().set_on(evidence, inside) == 1.5
    assert scope(in_scope_share=0.5).set_on(evidence, inside | True) == 3.5


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"label": ""}, "at least 1 character"),
        ({"score": "entropy"}, "'energy' or 'probability'"),
        ({"threshold": float("nan")}, "finite number"),
        ({"in_scope_share": 1.0}, "less than 1"),
        ({"in_scope_share": 0.0}, "greater than 0"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        scope(**changes)
