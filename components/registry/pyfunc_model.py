"""In: texts, and a bundle among a model's artifacts. Out: labels and scores, as MLflow serves them.

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

TEXT = "text"
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
        """Answer texts.

        Args:
            context: unused.
            model_input: a list of texts, a Series of them, or a DataFrame with a column "text"
                (or with one column only).
            params: unused.

        Returns:
            A DataFrame, one row per text: `label`, its probability `score`, `scores` by label.
        """
        texts = _texts(model_input)
        labels = self._predictor.bundle.task.labels
        found = self._predictor.predict([{TEXT: text} for text in texts], BATCH_SIZE)
        rows = [answer.as_json(labels) for answer in found]
        index = getattr(model_input, "index", None)
        index = index if isinstance(index, pd.Index) else None
        return pd.DataFrame(rows, columns=["label", "score", "scores"], index=index)


def _texts(given: Any) -> list[str]:  # noqa: ANN401
    """Return the texts, or say which one is none."""
    if isinstance(given, pd.DataFrame):
        if TEXT not in given.columns and len(given.columns) != 1:
            raise ValueError(f"expected a column {TEXT!r}, found: {', '.join(map(str, given))}")
        given = given[TEXT] if TEXT in given.columns else given.iloc[:, 0]
    texts = [given] if isinstance(given, str) else list(given)
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"row {index}: expected a text, found {text!r}")
    return texts


set_model(BundleModel())
