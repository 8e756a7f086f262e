"""In: nothing. Out: a small search section and objectives that cost nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.params import SearchParams, TrainingParams
from components.search import StudyPlace

SPACE: dict[str, Any] = {
    "learning_rate": {"low": 1e-5, "high": 1e-2, "log": True, "step": None},
    "dropout": {"low": 0.0, "high": 0.4, "log": False, "step": 0.1},
    "batch_size": {"low": 8, "high": 64, "log": False, "step": 8},
    "decay": {"choices": ["linear", "cosine"]},
}


@pytest.fixture
def training(params_tree: dict[str, Any]) -> TrainingParams:
    return TrainingParams.model_validate_json(_json(params_tree["training"]))


@pytest.fixture
def section(params_tree: dict[str, Any]) -> Callable[..., SearchParams]:
    def make(**values: Any) -> SearchParams:
        alone = {"trials": 2, "seeds": 0, "minutes": None}
        base = {"space": SPACE, "epochs": 3, "trials": 6, "finalists": alone, "ablation": None}
        tree = params_tree["search"] | base | values
        tree["pruner"] = params_tree["search"]["pruner"] | values.get("pruner", {})
        return SearchParams.model_validate_json(_json(tree))

    return make


@pytest.fixture
def place(tmp_path: Path) -> StudyPlace:
    return StudyPlace(tmp_path / "state", "toy")


def _json(tree: object) -> str:
    import json

    return json.dumps(tree)
