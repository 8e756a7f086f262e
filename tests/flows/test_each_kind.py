"""In: a small project of each further kind of task. Out: its whole line runs, and it is served."""

from __future__ import annotations

import copy
import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.files import read_json
from components.registry.smoke import smoke
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
        smoke(Path("models/int8"), verdict, timed=False)
        served(folder, name, fields)


# In a process of its own: MLflow keeps the place of its books, and puts a model's code first.
ASK = """
import json, sys
import mlflow
import pandas as pd
mlflow.set_tracking_uri("sqlite:///.state/mlflow/mlflow.db")
model = mlflow.pyfunc.load_model(sys.argv[1])
found = model.predict(pd.DataFrame(json.loads(sys.argv[2]), index=[5, 7, 9]))
print(found.to_json(orient="split"))
"""


def served(folder: Path, name: str, fields: list[str]) -> None:
    """Load what was registered as MLflow does, and ask it."""
    receipt = read_json(folder / "registry/receipt.json")
    rng = np.random.default_rng(1)
    asked = [{field: text(rng, "refund") for field in fields[:-1]} for _ in range(3)]
    version = f"models:/{name.replace(' ', '-')}/{receipt['version']}"
    done = subprocess.run(
        [sys.executable, "-c", ASK, version, json.dumps(asked)],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["index"] == [5, 7, 9]
    rows = [dict(zip(told["columns"], row, strict=True)) for row in told["data"]]
    assert all(0 <= row["score"] <= 1 for row in rows)
    if name == "matching":
        assert all(row["ranking"][0]["item"] == row["label"] for row in rows)
    if name == "graded pairs":
        assert all(0 <= row["value"] <= 5 for row in rows)
