"""In: single rules. Out: proof that only what was computed and holds passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.schema import SPLITS
from components.tasks.base import Task
from components.validation.rules import Rule, frames
from components.validation.suite import check, plain
from tests.components.validation.conftest import Stream

Row = dict[str, Any]
MakeRow = Callable[..., Row]


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


def test_what_stands_in_two_splits_is_counted(
    task: Task, good: list[Row], row: MakeRow, stream: Stream
) -> None:
    rows = [
        *good,
        row("train", "a", text="Where is it?", group="g"),
        row("train", "b", text="Where is it!", group="g"),
        row("validation", "c", text="where is it", group="g"),
        row("test", "d", text="WHERE - is it"),
    ]
    splits = {split: [one for one in rows if one["split"] == split] for split in SPLITS}
    sifted = stream(task, None, splits)
    totals = frames(task, sifted.accepted, sifted.sieve)["totals"]
    assert totals["variants_in_two_splits"][0] == 2
    assert totals["groups_in_two_splits"][0] == 1
