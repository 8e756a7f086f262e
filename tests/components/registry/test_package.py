from __future__ import annotations

import json

import pandas as pd
import pytest

from components.registry.package import fullest, signature


def test_what_one_answer_lacks_is_told_by_another() -> None:
    answers = [
        {"label": None, "score": 0.5, "labels": [], "scores": {"a": 0.1}},
        {"label": "a", "score": 0.7, "labels": ["a"], "scores": {"a": 0.9}},
    ]
    found = fullest(answers)
    assert found == {"label": "a", "score": 0.5, "labels": ["a"], "scores": {"a": 0.1}}
    assert signature(("text",), found) == signature(("text",), answers[1])


def test_what_all_answers_lack_stays_open() -> None:
    assert fullest([{"label": None, "labels": []}]) == {"label": None, "labels": []}


# MLflow warns of its own type hints when it is imported.
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType")
def test_null_among_answers_stays_null_in_the_table_that_mlflow_serves() -> None:
    # Importing it tells MLflow of a model, as MLflow itself does.
    from components.registry.pyfunc_model import table

    rows = [{"label": None, "score": 0.5}, {"label": "a", "score": 0.7}]
    found = table(rows, ["label", "score"], pd.Index([7, 9]))
    assert found.index.tolist() == [7, 9]
    assert json.loads(json.dumps(found.to_dict("records"), allow_nan=False)) == rows
    assert found["score"].dtype == float


# MLflow warns of its own type hints when it is imported.
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType")
def test_table_of_no_answers_has_its_columns() -> None:
    from components.registry.pyfunc_model import table

    assert list(table([], ["label", "score"], None)) == ["label", "score"]
