"""In: a small project of each kind. Out: the whole line run by its own commands, and its answers.

The line of classification is that of test_line.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.files import read_json
from components.inference import load_predictor
from components.registry import open_registry
from flows.__main__ import main
from tests.flows.projects import (
    DECIDING,
    OTHERS,
    STAGES,
    command,
    new_project,
    working_in,
    write_params,
)

ROWS = 700
# Loads the registered model as another program would, and asks it.
ASK = """
import json, sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
print(json.dumps(model.predict(json.loads(sys.argv[3])).to_dict("records")))
"""


def ner(source: Path) -> dict[str, Any]:
    """Write sentences in which some words are always a part of an entity."""
    rng = np.random.default_rng(5)
    lines = []
    for _ in range(ROWS):
        words = [(str(word), "O") for word in rng.choice(OTHERS, rng.integers(3, 9))]
        for kind in ("track", "refund"):
            named = rng.choice(DECIDING[kind], 2, replace=False).tolist()
            at = int(rng.integers(0, len(words) + 1))
            if words[at - 1 : at] and words[at - 1][1] != "O":
                continue  # two entities side by side would be one to anybody
            if at < len(words) and words[at][1] != "O":
                continue
            words[at:at] = [(named[0], f"B-{kind}"), (named[1], f"I-{kind}")]
        lines.append("".join(f"{word}\t{tag}\n" for word, tag in words))
    (source / "train.conll").write_text("\n".join(lines))
    return {
        "task": {
            "kind": "ner",
            "labels": ["track", "refund"],
            "window_overlap": 4,
            "mark_capitals": False,
        },
        "source": "train.conll",
        "scheme": "iob2",
        "fields": {"text": "text", "entities": "entities"},
        "floors": {"f1": 0.5},
        "request": "please help my charged money has not arrived",
        "answer": "refund: charged money [15:28]",
    }


@pytest.fixture(scope="module", params=[ner])
def project(
    request: pytest.FixtureRequest,
    prefect_server: str,
    learning: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The folder in which every stage was run once, in order, and what was asked for."""
    write: Callable[[Path], dict[str, Any]] = request.param
    tree = copy.deepcopy(learning)
    folder = new_project(tmp_path_factory.mktemp("kind") / "project", tree)
    told = write(folder / "data" / "source")
    tree["project"]["name"] = told["task"]["kind"]
    tree["task"] = told["task"]
    tree["ingestion"] |= {"source": told["source"], "scheme": told["scheme"]}
    tree["ingestion"]["columns"] = {
        "fields": told["fields"],
        "group": None,
        "header": None,
        "values": {},
        "slices": [],
    }
    tree["validation"] |= {"max_label_share": 1.0, "max_reject_share": 0.5}
    tree["gate"]["floors"] = told["floors"]
    write_params(folder, tree)
    with working_in(folder):
        for verb in STAGES:
            assert main(command(verb)) == 0, verb
        yield folder, told


def test_all_artifacts_learn_and_agree(project: tuple[Path, dict[str, Any]]) -> None:
    folder, told = project
    for name in ("trained", "onnx", "int8"):
        report = read_json(folder / f"reports/evaluation/{name}.json")
        assert set(told["floors"]) <= set(report["metrics"])
        for figure, least in told["floors"].items():
            assert report["metrics"][figure] > least, name
    parity = read_json(folder / "reports/parity.json")
    assert parity["artifacts"]["onnx"]["max_logit_difference"] < 1e-3
    assert parity["artifacts"]["onnx"]["disagreements"] == 0


def test_the_gate_judges_by_the_tasks_own_figures(project: tuple[Path, dict[str, Any]]) -> None:
    folder, told = project
    verdict = read_json(folder / "registry/verdict.json")
    assert verdict["verdict"] == "promote", verdict["sentence"]
    rules = {rule["name"]: rule["state"] for rule in verdict["rules"]}
    assert {rules[name] for name in told["floors"]} == {"holds"}
    page = (folder / "reports/gate.html").read_text(encoding="utf-8")
    for kind, number in verdict["mistakes"]["candidate"].items():
        assert kind.capitalize() in page
        assert number >= 0


def test_the_registered_model_answers_as_the_bundle(project: tuple[Path, dict[str, Any]]) -> None:
    folder, told = project
    (own,) = load_predictor(folder / "models/int8").predict([{"text": told["request"]}], 1)
    assert own.label == told["answer"]
    receipt = read_json(folder / "registry/receipt.json")
    address = f"models:/{receipt['name']}/{receipt['version']}"
    found = subprocess.run(
        [sys.executable, "-c", ASK, tracking(folder), address, json.dumps([told["request"]])],
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    (answer,) = json.loads(found.stdout.splitlines()[-1])
    assert answer == dict(own.value)


def tracking(folder: Path) -> str:
    return open_registry(folder / ".state", 0).uri
