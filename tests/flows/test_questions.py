"""In: a SQuAD file of made-up articles. Out: the whole line on answers that are parts of a text."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from components.answering import gold
from components.files import read_json
from components.inference import load_predictor
from components.records import read_examples
from flows.__main__ import main
from tests.flows.projects import OTHERS, STAGES, command, new_project, working_in

ARTICLES = 60
THINGS = ("order", "parcel", "money", "password")


def squad() -> dict[str, Any]:
    """Return articles of one long paragraph each, and a question on each thing that it names."""
    rng = np.random.default_rng(3)
    data = []
    for article in range(ARTICLES):
        words = list(rng.choice(OTHERS, 40))
        for place, thing in zip((5, 15, 25, 35), rng.permutation(THINGS), strict=True):
            words[place] = str(thing)
        context = " ".join(words)
        qas = []
        for thing in THINGS:
            text = " ".join(words[words.index(thing) :][:2])
            found = [{"answer_start": context.index(text), "text": text}]
            qas.append({"id": f"{article}-{thing}", "question": f"the {thing}", "answers": found})
        data.append({"title": f"A{article}", "paragraphs": [{"context": context, "qas": qas}]})
    return {"version": "1.1", "data": data}


@pytest.fixture(scope="module")
def answered(
    prefect_server: str, small: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The folder of a project on questions in which every stage was run once, in order."""
    tree = copy.deepcopy(small)
    tree["task"] = {
        "kind": "qa",
        "max_answer_tokens": 8,
        "max_question_tokens": 8,
        "window_overlap": 8,
        "no_answer": False,
        "threshold": None,
    }
    tree["project"]["name"] = "questions"
    # On windows, of which some hold no answer.
    tree["search"]["ablation"] = {"seeds": 1, "resamples": 200, "confidence": 0.95}
    columns = {name: name for name in ("question", "context", "answers")}
    tree["ingestion"] |= {
        "source": "squad.json",
        "columns": {
            "fields": columns,
            "group": "title",
            "header": None,
            "values": {},
            "slices": [],
        },
        "splits": {"validation": 0.2, "test": 0.2},
    }
    tree["tokenization"]["max_length"] = 40  # so that each paragraph is read in windows
    tree["training"]["epochs"] = 1
    tree["search"] |= {"trials": 1, "space": {"learning_rate": {"choices": [1e-3, 2e-3]}}}
    tree["gate"]["floors"] = {"exact_match": 0.0, "f1": 0.0}
    tree["gate"]["robustness"]["words"] = 0.1  # no question names a group: too few to tell
    folder = new_project(tmp_path_factory.mktemp("questions"), tree)
    (folder / "data/source/squad.json").write_text(json.dumps(squad()))
    with working_in(folder):
        for verb in STAGES:
            assert main(command(verb)) == 0, verb
        yield folder


def test_articles_keep_to_one_side_of_the_splits(answered: Path) -> None:
    sides = [
        {row["group"] for row in read_examples(answered / "data/valid", split)}
        for split in ("train", "validation", "test")
    ]
    assert all(sides)
    assert sum(map(len, sides)) == len(set().union(*sides)) == ARTICLES


def test_every_artifact_is_scored_by_the_figures_of_squad_and_no_label(answered: Path) -> None:
    for artifact in ("trained", "onnx", "int8"):
        report = read_json(answered / f"reports/evaluation/{artifact}.json")
        assert list(report["metrics"]) == ["exact_match", "f1"]
        assert (report["labels"], report["confusion"]) == ([], None)
    assert not (answered / "reports/evaluation/confusion.png").exists()


def test_reports_name_answers_by_their_text(answered: Path) -> None:
    rows = {row["id"]: row for row in read_examples(answered / "data/valid", "test")}
    table = pq.read_table(answered / "reports/evaluation/predictions.parquet").to_pylist()
    assert len(table) == 3 * len(rows)
    for row in table:
        assert row["answer"] in rows[row["id"]]["context"]
        assert row["label"] == gold(rows[row["id"]]["answers"])[0][1]


def test_graph_answers_like_torch_on_windows(answered: Path) -> None:
    rows = read_examples(answered / "data/valid", "test")[:8]
    trained, onnx = (
        load_predictor(answered / "models" / name).logits(rows, 3) for name in ("trained", "onnx")
    )
    for one, other in zip(trained, onnx, strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max() < 1e-3


def test_verdict_asks_what_has_a_meaning_without_labels(answered: Path) -> None:
    verdict = read_json(answered / "registry/verdict.json")
    states = {rule["name"]: rule["state"] for rule in verdict["rules"]}
    assert "broken" not in states.values(), verdict["sentence"]
    assert {name for name in states if "f1" in name or "exact" in name} == {"f1", "exact_match"}
    assert verdict["verdict"] == "promote"


def test_registered_version_answers_where_a_table_asks(answered: Path) -> None:
    import mlflow
    import pandas as pd

    receipt = read_json(answered / "registry/receipt.json")
    path = [*sys.path]  # MLflow puts the model's own code first, for good
    model = mlflow.pyfunc.load_model(f"models:/{receipt['name']}/{receipt['version']}")
    sys.path[:] = path
    (example, *_) = read_examples(answered / "data/valid", "test")
    asked = pd.DataFrame([{name: example[name] for name in ("question", "context")}])
    (found,) = model.predict(asked).to_dict("records")
    assert example["context"][int(found["start"]) : int(found["end"])] == found["text"]
    assert found["label"] == found["text"]
