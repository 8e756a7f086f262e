"""In: what a search found. Out: search/: the best values, all trials, and pictures of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.files import atomic_folder, write_text
from components.search.pictures import draw_history, draw_importances
from components.search.trials import Searched, Trial


def write_results(searched: Searched, out: Path) -> None:
    """Write best.yaml, trials.parquet, history.png and, where they can be told, importances.png.

    Raises:
        DivergenceError: no trial came to its end; nothing is written.
    """
    best = searched.best
    with atomic_folder(out) as folder:
        write_text(
            folder / "best.yaml",
            _yaml(
                {
                    "trial": best.number,
                    "score": best.score,
                    "values": dict(best.values),
                    "study": searched.study,
                }
            ),
        )
        pq.write_table(_table(searched.trials), folder / "trials.parquet")
        draw_history(searched, folder / "history.png")
        if searched.importances:
            draw_importances(searched.importances, folder / "importances.png")


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
    }
    fields = {name: pa.array([t.values[name] for t in trials]) for name in trials[0].values}
    return pa.table({**fixed, **fields})
