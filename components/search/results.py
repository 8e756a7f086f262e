"""In: what a search found. Out: search/: the best values, all trials, and a report on them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.files import atomic_folder, write_json, write_text
from components.search.about import About
from components.search.finalists import Finalist
from components.search.report import write_report
from components.search.searched import Searched
from components.search.trials import Trial

REPORT = "report.html"
ABLATION = "ablation.json"


def write_results(searched: Searched, about: About, out: Path) -> None:
    """Write best.yaml, finalists.json, ablation.json, trials.parquet and report.html.

    ablation.json is there where it was asked whether altered copies help.

    Args:
        searched: what was found.
        about: what the report tells beside it.
        out: the folder; it appears as a whole.

    Raises:
        DivergenceError: no trial came to its end, or no finalist stood; nothing is written.
    """
    best, trial = searched.best, searched.best_trial
    winner = {
        "trial": best.trial,
        "score": trial.score,
        "mean": best.mean,
        "spread": best.spread,
        "scores": list(best.scores),
        "values": dict(trial.values),
        "study": searched.study,
    }
    finalists = [_finalist(finalist) for finalist in searched.finalists]
    with atomic_folder(out) as folder:
        write_text(folder / "best.yaml", _yaml(winner))
        write_json(folder / "finalists.json", {"trials": finalists, "winner": best.trial})
        if asked := searched.ablation:
            told = {**asked.as_json(about.metric), "seconds": asked.seconds}
            write_json(folder / ABLATION, told)
        pq.write_table(_table(searched.trials), folder / "trials.parquet")
        write_report(searched, about, folder / REPORT)


def _finalist(finalist: Finalist) -> dict[str, Any]:
    """One entry of finalists.json; one that is out has scores, which no mean sums up."""
    out = finalist.reason is not None
    return {
        "trial": finalist.trial,
        "scores": list(finalist.scores),
        "mean": None if out else finalist.mean,
        "spread": None if out else finalist.spread,
        "reason": finalist.reason,
    }


def _yaml(tree: dict[str, Any]) -> str:
    from ruamel.yaml import YAML

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    stream = io.StringIO()
    writer.dump(tree, stream)
    return stream.getvalue()


def _table(trials: tuple[Trial, ...]) -> pa.Table:
    """One row per trial: the searched fields under their own names, the rest as in `Trial`."""
    fixed = {
        "number": pa.array([t.number for t in trials], pa.int64()),
        "state": pa.array([t.state for t in trials], pa.string()),
        "score": pa.array([t.score for t in trials], pa.float64()),
        "epochs": pa.array([len(t.scores) for t in trials], pa.int64()),
        "scores": pa.array([list(t.scores.values()) for t in trials], pa.list_(pa.float64())),
        "seconds": pa.array([t.seconds for t in trials], pa.float64()),
        "attempts": pa.array([t.attempts for t in trials], pa.int64()),
        "reason": pa.array([t.reason for t in trials], pa.string()),
        "origin": pa.array([t.origin for t in trials], pa.string()),
        "memory": pa.array([t.memory for t in trials], pa.int64()),
    }
    fields = {name: pa.array([t.values[name] for t in trials]) for name in trials[0].values}
    return pa.table({**fixed, **fields})
