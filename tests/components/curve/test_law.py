from __future__ import annotations

import numpy as np
import pytest

from components.curve.law import EXPONENTS, fit_law

LABELS = np.array([125.0, 250.0, 500.0, 1000.0])


@pytest.mark.parametrize(("rest", "scale"), [(0.02, 0.06), (0.0, 0.1), (0.05, 0.0)])
def test_law_is_found_again(rest: float, scale: float) -> None:
    exponent = float(EXPONENTS[60])
    errors = rest + scale * (LABELS / 1000) ** -exponent
    law = fit_law(LABELS, errors[None])
    assert law.at(LABELS)[0] == pytest.approx(errors, rel=1e-6)
    assert law.at(2000.0)[0] == pytest.approx(rest + scale * 2**-exponent, rel=1e-4)


def test_error_never_grows_with_labels_and_is_never_negative() -> None:
    random = np.random.default_rng(0)
    law = fit_law(LABELS, random.uniform(0.01, 0.5, (300, 4)))
    path = law.at(np.array([100.0, 1000.0, 3000.0, 1e6]))
    assert (np.diff(path, axis=1) <= 1e-12).all()
    assert (path >= 0).all()


def test_fits_do_not_depend_on_one_another() -> None:
    errors = np.random.default_rng(1).uniform(0.05, 0.5, (5, 4))
    together, alone = fit_law(LABELS, errors), fit_law(LABELS, errors[3:4])
    assert alone.at(2000.0)[0] == together.at(2000.0)[3]


def test_no_other_law_on_a_fine_grid_is_nearer() -> None:
    errors = np.array([0.31, 0.24, 0.22, 0.15])
    found = fit_law(LABELS, errors[None])

    def loss(model: np.ndarray) -> float:
        return float((((errors - model) / errors) ** 2).sum())

    least = loss(found.at(LABELS)[0])
    for exponent in EXPONENTS[::7]:
        for rest in np.linspace(0, 0.3, 31):
            for scale in np.linspace(0, 0.3, 31):
                model = rest + scale * (LABELS / 1000) ** -exponent
                assert least <= loss(model) + 1e-9
