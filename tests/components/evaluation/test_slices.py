"""In: examples of a few slices. Out: each slice's own metrics, or none where it is too small."""

from __future__ import annotations

import numpy as np
import pytest

from components.errors import DataError
from components.evaluation.slices import slice_scores
from components.tasks.base import Task

RIGHT, WRONG = np.array([3.0, 0.0, 0.0]), np.array([0.0, 3.0, 0.0])


def test_each_slice_is_scored_on_its_own_rows(task: Task) -> None:
    examples = [{"label": "track", "slice_channel": c} for c in ["mail", "chat", "mail", "chat"]]
    mail_is_right = [RIGHT, WRONG, RIGHT, WRONG]
    chat, mail = slice_scores(task, ["channel"], examples, mail_is_right, min_rows=2)
    assert (chat["value"], chat["rows"], chat["metrics"]["accuracy"]) == ("chat", 2, 0.0)
    assert (mail["value"], mail["rows"], mail["metrics"]["accuracy"]) == ("mail", 2, 1.0)


def test_a_small_slice_is_listed_without_a_score(task: Task) -> None:
    examples = [{"label": "track", "slice_channel": "fax"}]
    assert slice_scores(task, ["channel"], examples, [RIGHT], min_rows=2) == [
        {"column": "channel", "value": "fax", "rows": 1, "metrics": None}
    ]


def test_rows_without_a_value_are_a_slice_too(task: Task) -> None:
    examples = [{"label": "track", "slice_channel": None}]
    (slice_,) = slice_scores(task, ["channel"], examples, [RIGHT], min_rows=1)
    assert slice_["value"] == "(missing)"


def test_a_missing_column_is_named(task: Task) -> None:
    with pytest.raises(DataError, match="column slice_channel is missing"):
        slice_scores(task, ["channel"], [{"label": "track"}], [RIGHT], min_rows=1)
