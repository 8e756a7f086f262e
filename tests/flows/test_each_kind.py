"""In: a small project of each further kind of task. Out: its whole line runs, and it is served."""

from __future__ import annotations

import copy
import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.files import read_json
from flows.__main__ import main
from tests.flows.projects import (
    DECIDING,
    OTHERS,
    REQUESTS,
    STAGES,
    command,
    new_project,
    working_in,
)

pytestmark = pytest.mark.slow
ROWS = 360
NO_LABELS = {"labels": None, "range": [0.0, 5.0], "tolerance": 2.5, "scatter": None}
TASKS: dict[str, dict[str, Any]] = {
    "labelled pairs": {
        "kind": "pair",
        "labels": ["different", "same"],
        "range": None,
        "tolerance": None,
        "scatter": None,
    },
    "graded pairs": {"kind": "pair", **NO_LABELS},
    "matching": {
        "kind": "matching",
        "items": {name: " ".join(words) for name, words in DECIDING.items()} | {"new": "card late"},
        "scale": 20.0,
        "pooling": "mean",
    },
}
LABELS = {"different": "0.5", "same": "4.5"}


def text(rng: np.random.Generator, topic: str) -> str:
    words = [*rng.choice(OTHERS, rng.integers(3, 7)), *rng.choice(DECIDING[topic], 2)]
    return " ".join(rng.permutation(words))


def write_rows(source: Path, name: str) -> list[str]:
    """Write a file of examples; return its fields."""
    rng, topics = np.random.default_rng(3), list(DECIDING)
    fields = ["text", "item"] if name == "matching" else ["text", "other", "label"]
    with (source / REQUESTS).open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow([*fields, "customer"])
        for row in range(ROWS):
            one, two = rng.permutation(topics)[:2]
            same = row % 2 == 0
            other, label = (one, "same") if same else (two, "different")
            if name == "matching":
                table.writerow([text(rng, one), one, f"c{row // 2}"])
                continue
            label = LABELS[label] if name == "graded pairs" else label
            table.writerow([text(rng, one), text(rng, other), label, f"c{row // 2}"])
    return fields


@pytest.mark.parametrize("name", list(TASKS))
@pytest.mark.usefixtures("prefect_server")
def test_every_stage_runs_and_the_champion_answers(
    name: str, learning: dict[str, Any], tmp_path: Path
) -> None:
    tree = copy.deepcopy(learning)
    tree["project"]["name"] = name.replace(" ", "-")
    tree["task"] = TASKS[name]
    tree["training"] |= {"label_smoothing": 0.0, "epochs": 2}
    tree["search"] |= {"epochs": 1, "space": {"dropout": {"choices": [0.0, 0.1]}}}
    figure = {"labelled pairs": "f1", "graded pairs": "pearson", "matching": "mrr"}[name]
    tree["gate"]["floors"] = {figure: 0.0}
    folder = new_project(tmp_path / "project", tree)
    fields = write_rows(folder / "data" / "source", name)
    tree["ingestion"]["columns"] = {
        "fields": {field: field for field in fields},
        "group": "customer",
        "header": None,
        "values": {},
        "slices": [],
    }
    tree["validation"]["max_label_share"] = 0.7
    from tests.flows.projects import write_params

    write_params(folder, tree)
    with working_in(folder):
        for verb in STAGES:
            assert main(command(verb)) == 0, verb
        verdict = read_json(folder / "registry/verdict.json")
        parity = read_json(folder / "reports/parity.json")
        told = [name for name in verdict["scores"]["candidate"] if name == figure]
        assert told == [figure]
        assert parity["rows"] > 0
        served(folder, name, fields)


def served(folder: Path, name: str, fields: list[str]) -> None:
    """Load what was registered as MLflow does, and ask it."""
    import mlflow
    import pandas as pd

    receipt = read_json(folder / "registry/receipt.json")
    mlflow.set_tracking_uri("sqlite:///.state/mlflow/mlflow.db")
    # MLflow puts the model's own code first, for good; its `components` are not all of ours.
    path = [*sys.path]
    model = mlflow.pyfunc.load_model(f"models:/{name.replace(' ', '-')}/{receipt['version']}")
    sys.path[:] = path
    rng = np.random.default_rng(1)
    asked = pd.DataFrame(
        [{field: text(rng, "refund") for field in fields[:-1]} for _ in range(3)],
        index=[5, 7, 9],
    )
    found = model.predict(asked)
    assert found.index.tolist() == [5, 7, 9]
    assert found["score"].between(0, 1).all()
    if name == "matching":
        assert all(ranking[0]["item"] == label for ranking, label in zip(
            found["ranking"], found["label"], strict=True
        ))  # fmt: skip
    if name == "graded pairs":
        assert found["value"].between(0, 5).all()
