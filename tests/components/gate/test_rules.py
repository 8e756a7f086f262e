"""In: figures and limits. Out: rules that hold, are broken, or stay open."""

from __future__ import annotations

import pytest

from components.gate.limits import robust
from components.gate.rules import Measure, bounded, limit
from tests.components.gate.conftest import params_of

NAN = float("nan")
INFINITE = float("inf")


@pytest.mark.parametrize(
    ("low", "high", "bound", "state"),
    [
        (0.80, 0.90, "least", "holds"),
        (0.79, 0.90, "least", "open"),
        (0.70, 0.80, "least", "open"),
        (0.70, 0.79, "least", "broken"),
        (0.70, 0.80, "most", "holds"),
        (0.70, 0.81, "most", "open"),
        (0.80, 0.90, "most", "open"),
        (0.81, 0.90, "most", "broken"),
    ],
)
def test_limit_with_an_interval_holds_only_when_the_whole_interval_does(
    low: float, high: float, bound: str, state: str
) -> None:
    found = Measure((low + high) / 2, low, high, needed=70)
    rule = bounded("accuracy", found, 0.8, "share", bound)  # type: ignore[arg-type]
    assert rule.state == state
    assert rule.interval == (low, high)
    assert rule.needed == (70 if state == "open" else None)


@pytest.mark.parametrize(
    ("figure", "bound", "state"),
    [
        (1.5, "most", "holds"),
        (1.51, "most", "broken"),
        (1.5, "least", "holds"),
        (1.49, "least", "broken"),
        (0, "most", "holds"),
    ],
)
def test_limit_without_an_interval_is_compared_as_it_is(
    figure: float, bound: str, state: str
) -> None:
    rule = limit("size_ratio", figure, 1.5, "ratio", bound)  # type: ignore[arg-type]
    assert rule.state == state
    assert rule.interval is None


@pytest.mark.parametrize("figure", [None, NAN, INFINITE, -INFINITE, "0.1", True, [0.1]])
def test_figure_that_is_no_finite_number_breaks_its_rule(figure: object) -> None:
    for bound in ("least", "most"):
        rule = limit("size_ratio", figure, 0.0, "ratio", bound)  # type: ignore[arg-type]
        assert rule.state == "broken"
        assert ("is missing" in rule.reason) == (figure is None)
        assert rule.figure is None


@pytest.mark.parametrize("spoil", ["estimate", "low", "high"])
@pytest.mark.parametrize("value", [None, NAN])
def test_interval_without_a_bound_breaks_its_rule(spoil: str, value: float | None) -> None:
    figures = {"estimate": 0.9, "low": 0.9, "high": 0.9, spoil: value}
    rule = bounded("accuracy", Measure(**figures), 0.0, "share", "least")  # type: ignore[arg-type]
    assert rule.state == "broken"


def survived(
    rows: int, share: float | None, low: float | None, high: float | None
) -> dict[str, object]:
    return {"edit": "typo", "rows": rows, "survived": share, "low": low, "high": high}


@pytest.mark.parametrize(
    ("row", "state"),
    [
        (survived(0, None, None, None), "informs"),
        (survived(15, 0.2, 0.1, 0.4), "informs"),
        (survived(16, 0.2, 0.1, 0.4), "broken"),
        (survived(16, 1.0, 0.81, 1.0), "holds"),
        (survived(16, 0.9, 0.7, 1.0), "open"),
        (survived(100, None, None, None), "broken"),
    ],
)
def test_edit_that_too_few_texts_allow_only_informs(row: dict[str, object], state: str) -> None:
    (rule,) = robust(params_of(robustness={"typo": 0.8}), [row])
    assert rule.state == state
    assert rule.name == "robust:typo"


def test_edit_that_changed_no_text_informs_whatever_is_asked() -> None:
    (rule,) = robust(params_of(robustness={"typo": 0.0}), [survived(0, None, None, None)])
    assert rule.state == "informs"


def test_floor_that_no_number_of_texts_could_show_is_not_let_pass() -> None:
    (rule,) = robust(params_of(robustness={"typo": 1.0}), [survived(100, 0.99, 0.95, 0.998)])
    assert rule.state == "broken"


def test_more_examples_settle_robustness_only_where_more_would_be_edited() -> None:
    params = params_of(robustness={"typo": 0.8, "rows": 60})
    rules = robust(params, [survived(rows, 0.85, 0.7, 0.93) for rows in (40, 60)])
    assert [rule.state for rule in rules] == ["open", "open"]
    assert rules[0].needed is not None
    assert rules[1].needed is None
