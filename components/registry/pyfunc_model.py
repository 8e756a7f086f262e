"""In: texts, and a bundle among a model's artifacts. Out: answers, as MLflow serves them.

MLflow keeps a copy of this file with every version and runs it when the version is loaded; beside
it lie copies of what it imports from components, so that loading needs no checkout.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from components.inference import load_predictor

BATCH_SIZE = 32


class BundleModel(PythonModel):  # type: ignore[misc]  # MLflow has no stubs
    """The bundle behind `mlflow.pyfunc.load_model`."""

    # Without it MLflow asks for type hints at every load. They would become the schema, which
    # stands in the signature already, and `predict` takes more than one type.
    _skip_type_hint_validation = True

    def load_context(self, context: Any) -> None:  # noqa: ANN401
        """Open the bundle; every byte is verified first."""
        self._predictor = load_predictor(Path(context.artifacts["bundle"]))

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Answer requests.

        Args:
            context: unused.
            model_input: a DataFrame, or a list of mappings, with the task's inputs; where there is
                one input, also a list of texts, a Series of them, or any DataFrame of one column.
            params: unused.

        Returns:
            A DataFrame, one row per request: `label`, its probability `score`, and what else the
            task answers.
        """
        inputs = self._predictor.bundle.task.inputs
        found = self._predictor.predict(_requests(model_input, inputs), BATCH_SIZE)
        index = getattr(model_input, "index", None)
        index = index if isinstance(index, pd.Index) else None
        rows = [dict(answer.value) for answer in found]
        return table(rows, list(self._predictor.bundle.task.answers), index)


def table(rows: list[dict[str, Any]], columns: list[str], index: pd.Index | None) -> pd.DataFrame:
    """Return answers as a table, in which null stays null: pandas would make it NaN, no JSON."""
    frame = pd.DataFrame(rows, columns=columns, index=index)
    for name in columns:
        values = [row[name] for row in rows]
        if None in values:
            frame[name] = pd.Series(values, index=frame.index, dtype=object)
    return frame


def _requests(given: Any, inputs: tuple[str, ...]) -> list[dict[str, str]]:  # noqa: ANN401
    """Return the texts by the name of the input, or say which one is none."""
    rows = _rows(given, inputs)
    for index, row in enumerate(rows):
        for name in inputs:
            if not isinstance(row.get(name), str):
                found = repr(row.get(name)) if name in row else "nothing"
                raise ValueError(f"row {index}: expected a text as {name!r}, found {found}")
    return [{name: str(row[name]) for name in inputs} for row in rows]


def _rows(given: Any, inputs: tuple[str, ...]) -> list[dict[str, Any]]:  # noqa: ANN401
    if isinstance(given, pd.DataFrame):
        if len(inputs) == 1 and len(given.columns) == 1:
            return [{inputs[0]: text} for text in given.iloc[:, 0]]
        missing = [name for name in inputs if name not in given.columns]
        if missing:
            named = ", ".join(map(repr, missing))
            raise ValueError(f"expected a column {named}, found: {', '.join(map(str, given))}")
        return [{name: row[name] for name in inputs} for row in given.to_dict("records")]
    rows = [given] if isinstance(given, str | dict) else list(given)
    return [row if isinstance(row, dict) else {inputs[0]: row} for row in rows]


set_model(BundleModel())
