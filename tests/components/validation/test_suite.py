"""In: single rules. Out: proof that only what was computed and holds passes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.validation.rules import Rule
from components.validation.suite import check, plain


def check_one(rule: Rule, values: list[object], docs: Path) -> tuple[bool, object, str | None]:
    (outcome,) = check([rule], {"rows": pd.DataFrame({"x": values})}, docs)
    return outcome.success, outcome.observed, outcome.error


@pytest.mark.parametrize(("values", "holds"), [(["a", "b"], True), ([1, 2], False)])
def test_a_column_of_another_type_is_refused(
    tmp_path: Path, values: list[object], holds: bool
) -> None:
    rule = Rule("x is str", "rows", "ExpectColumnValuesToBeOfType", {"column": "x", "type_": "str"})
    success, observed, error = check_one(rule, values, tmp_path)
    assert (success, observed, error) == (holds, "str" if holds else "int64", None)


def test_nan_is_no_pass(tmp_path: Path) -> None:
    rule = Rule("x is small", "rows", "ExpectColumnMaxToBeBetween", {"column": "x", "max_value": 1})
    assert check_one(rule, [float("nan")], tmp_path)[0] is False


def test_a_rule_that_was_not_evaluated_is_no_pass(tmp_path: Path) -> None:
    rule = Rule("of another frame", "absent", "ExpectColumnValuesToNotBeNull", {"column": "x"})
    assert check_one(rule, ["a"], tmp_path) == (False, None, "was not evaluated")


def test_figures_become_json_values() -> None:
    assert plain(np.int64(3)) == 3
    assert plain(np.float64("nan")) is None
    assert plain([1, "a"]) == [1, "a"]
