"""In: a figure that no test example tells of. Out: null is agreed to there, and nowhere else."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
import pytest

from components.bootstrap import by_group
from components.evaluation.slices import known, slice_scores
from components.gate.answers import Answers, Candidate
from components.gate.reported import _finite, _report_metrics
from components.inference import Predictor
from components.scope import OutOfScope
from components.tasks import load_task
from components.tasks.base import Array, Example, metrics
from components.tasks.classification import Options
from tests.components.gate.drawn import intervals

SCOPE = OutOfScope(label="oos", score="energy", threshold=1.5, in_scope_share=0.95)
TASK = load_task(Options(kind="classification", labels=("a", "b"), out_of_scope=SCOPE))
ARTIFACTS = ("trained", "onnx", "int8")
RECALL = "out_of_scope_recall"


class Given(NamedTuple):
    """What the rules read of answers."""

    task: Any
    examples: list[Example]
    metrics: dict[str, float]


def answered(labels: list[str]) -> tuple[list[Example], list[Array]]:
    examples: list[Example] = [{"label": label, "slice_channel": "web"} for label in labels]
    return examples, TASK.from_tokens([], [np.array([4.0, 0.0]) for _ in labels])[1]


def states(labels: list[str], **stored: object) -> set[str]:
    """Return the states of both rules, each report being what is found but for `stored`."""
    examples, logits = answered(labels)
    own = metrics(TASK, examples, logits)
    report = {"metrics": {**known(own), **stored}, "rows": len(labels), "confusion": None}
    given = cast(Answers, Given(TASK, examples, own))
    found = Candidate(given, given, given, 0, {}, cast(Predictor, None))
    reports = dict.fromkeys(ARTIFACTS, report)
    return {_report_metrics(found, None, reports).state, _finite(found, reports).state}


def test_null_is_agreed_to_where_no_example_tells_of_a_figure() -> None:
    assert states(["a", "b"]) == {"holds"}


@pytest.mark.parametrize("stored", [1.0, float("nan"), "none"])
def test_a_number_where_there_is_nothing_to_score_is_refused(stored: object) -> None:
    assert "broken" in states(["a", "b"], **{RECALL: stored})


def test_null_is_refused_where_there_is_something_to_score() -> None:
    assert states(["a", "oos"]) == {"holds"}
    assert states(["a", "oos"], **{RECALL: None}) == {"broken"}
    assert states(["a", "b"], macro_f1=None) == {"broken"}


def test_figure_without_examples_has_no_interval_and_takes_nothing_from_others() -> None:
    examples, logits = answered(["a", "b", "a", "a"])
    sums = by_group(TASK.tallies(examples, logits), list("wxyz"))
    scored = [(lambda t, n=n: TASK.score(t, n), sums) for n in (RECALL, "accuracy")]
    nothing, accuracy = intervals(scored, 200, 0.95, np.random.default_rng(0))
    assert np.isnan([nothing.estimate, nothing.low, nothing.high]).all()
    assert accuracy.low < accuracy.estimate == 0.75 < accuracy.high


def test_slice_without_such_examples_has_null_for_that_figure_alone() -> None:
    examples, logits = answered(["a", "b"])
    (part,) = slice_scores(TASK, ["channel"], examples, logits, min_rows=1)
    assert [name for name, value in part["metrics"].items() if value is None] == [RECALL]
