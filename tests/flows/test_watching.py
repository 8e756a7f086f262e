"""In: a search that tells what it does. Out: one run in MLflow per training, and lines of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.errors import DivergenceError
from components.params import TrainingParams, load_params
from components.params.sections import SearchParams
from components.registry import Registry, open_registry, start_study
from components.search import Inline, Report, Searched, StudyPlace, run_search
from components.training import Step
from flows.progress import Board, Lines
from flows.watching import Watching

PARAMS = load_params(Path(__file__).resolve().parents[2] / "params.yaml")
SPACE = {"dropout": {"low": 0.0, "high": 0.4, "log": False, "step": None}}


def search_params(**values: Any) -> SearchParams:
    tree = PARAMS.search.model_dump(mode="json") | {
        "space": SPACE,
        "epochs": 3,
        "trials": 4,
        "finalists": {"trials": 2, "seeds": 1, "minutes": None},
        **values,
    }
    return SearchParams.model_validate_json(json.dumps(tree))


def objective(training: TrainingParams, seed: int, report: Report) -> float:
    """Train nothing, tell everything; fields away from the default diverge half of the time."""
    if training.dropout > 0.35:
        raise DivergenceError("loss is nan at step 7")
    for epoch in (1, 2, 3):
        report.curve("loss", epoch * 10, 1 / epoch)
        report.show(Step(epoch * 10, 30, epoch, 1 / epoch, 1e-4, 1.0, 9.0, 99.0, 3.0))
        report(epoch, 0.5 + training.dropout * epoch / 10 + seed % 7 / 1000)
    return 0.5 + training.dropout * 0.3 + seed % 7 / 1000


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        return open_registry(tmp_path_factory.mktemp("watching") / ".state", 0)


def searched(books: Registry, name: str, folder: Path) -> tuple[Searched, str]:
    run = start_study(books, name, name, {})
    params = search_params()
    shown = Watching(Board(Lines("search")), books, run, params)
    engine, place = Inline(objective), StudyPlace(folder, name)
    return run_search(params, PARAMS.training, 7, engine, place, shown.watch()), run


def under(books: Registry, study: str) -> dict[str, Any]:
    where = books.client.get_run(study).info.experiment_id
    rule = f"tags.`mlflow.parentRunId` = '{study}'"
    return {run.info.run_name: run for run in books.client.search_runs([where], rule)}


def test_every_training_is_a_run_under_its_study_with_its_curves_and_its_end(
    books: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, study = searched(books, "whole", tmp_path)
    runs = under(books, study)
    finalists = {f"trial {f.trial}, seed 2" for f in found.finalists}
    assert set(runs) == {f"trial {t.number}" for t in found.trials} | finalists
    for trial in found.trials:
        run = runs[f"trial {trial.number}"]
        for name, curve in {"score": trial.scores, "loss": trial.curves.get("loss", {})}.items():
            history = books.client.get_metric_history(run.info.run_id, name)
            assert {point.step: point.value for point in history} == curve
        assert run.data.tags.get("touchstone.reason") == trial.reason
    lines = capsys.readouterr().err.splitlines()
    ends = [line for line in lines if "complete:" in line or "pruned:" in line or "failed:" in line]
    assert len(ends) == len(found.trials) + len(found.finalists)
    best = max(t.score or 0 for t in found.trials if t.state == "complete")
    assert f"best {best:.4f}" in ends[-1]
    assert "finalists 2/2" in ends[-1]
    assert "(trials 1/4" in ends[0]


def test_search_that_is_opened_again_adds_no_run_and_doubles_no_point(
    books: Registry, tmp_path: Path
) -> None:
    first, study = searched(books, "again", tmp_path)
    before = under(books, study)
    second, same = searched(books, "again", tmp_path)
    assert same == study
    assert second.trials == first.trials
    after = under(books, study)
    assert {name: run.info.run_id for name, run in after.items()} == {
        name: run.info.run_id for name, run in before.items()
    }
    for run in after.values():
        history = books.client.get_metric_history(run.info.run_id, "loss")
        assert len({point.step for point in history}) == len(history)


def test_training_that_died_is_told_with_what_becomes_of_it(
    books: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = Watching(Board(Lines("search")), books, "none", search_params())
    shown.died(3, 0, "killed by SIGKILL", True)
    shown.died(3, 1, "killed by SIGKILL", False)
    assert capsys.readouterr().err.splitlines() == [
        "search: trial 3: killed by SIGKILL; it is done again",
        "search: finalist 3, seed 2: killed by SIGKILL; it has failed",
    ]
