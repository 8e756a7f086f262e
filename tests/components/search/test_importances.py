from __future__ import annotations

from collections.abc import Sequence

import optuna
import pytest

from components.search.importances import importances


def ended(scores: Sequence[float], fields: int) -> list[optuna.trial.FrozenTrial]:
    """Make trials whose first field decides the score, and whose other fields do nothing."""
    uniform = optuna.distributions.FloatDistribution(0, 1)
    names = [f"field{index}" for index in range(fields)]
    return [
        optuna.trial.create_trial(
            params={n: score if n == "field0" else (i * 7 % 5) / 5 for n in names},
            distributions=dict.fromkeys(names, uniform),
            value=score,
        )
        for i, score in enumerate(scores)
    ]


def test_field_that_decides_matters_most() -> None:
    shares = importances(ended([i / 20 for i in range(20)], fields=3))
    assert next(iter(shares)) == "field0"
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("scores", "fields"), [((0.1, 0.2, 0.3), 3), ((0.1, 0.2, 0.3, 0.4), 1), ((0.5,) * 6, 3)]
)
def test_too_little_to_tell_tells_nothing(scores: tuple[float, ...], fields: int) -> None:
    assert importances(ended(scores, fields)) == {}
