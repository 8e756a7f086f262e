from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from components.errors import DivergenceError
from components.params.load import read_tree
from components.search import Searched, Trial, write_results

PNG = b"\x89PNG"


def trial(number: int, score: float | None, state: str = "complete") -> Trial:
    return Trial(
        number=number,
        state=state,  # type: ignore[arg-type]
        values={"learning_rate": 1e-5 * (number + 1), "decay": "linear", "batch_size": 32},
        score=score,
        scores={} if score is None else {1: score / 2, 2: score},
        seconds=1.5,
        attempts=1,
        reason="loss is nan" if score is None else None,
    )


SEARCHED = Searched(
    "toy",
    (trial(0, 0.5), trial(1, 0.3, "pruned"), trial(2, None, "failed"), trial(3, 0.5)),
    {"learning_rate": 0.75, "batch_size": 0.25},
)


def test_best_of_equal_scores_is_the_earliest() -> None:
    assert SEARCHED.best.number == 0


def test_pruned_trial_is_not_the_best_whatever_its_score() -> None:
    assert Searched("toy", (trial(0, 0.5), trial(1, 0.9, "pruned")), {}).best.number == 0


def test_best_values_survive_the_way_through_yaml(tmp_path: Path) -> None:
    write_results(SEARCHED, tmp_path / "search")
    best = read_tree(tmp_path / "search" / "best.yaml")
    assert best == {
        "trial": 0,
        "score": 0.5,
        "values": {"learning_rate": 1e-5, "decay": "linear", "batch_size": 32},
        "study": "toy",
    }


def test_table_has_one_row_per_trial_failed_ones_included(tmp_path: Path) -> None:
    write_results(SEARCHED, tmp_path / "search")
    rows = pq.read_table(tmp_path / "search" / "trials.parquet").to_pylist()
    assert [row["state"] for row in rows] == ["complete", "pruned", "failed", "complete"]
    assert [row["score"] for row in rows] == [0.5, 0.3, None, 0.5]
    assert rows[1]["scores"] == [0.15, 0.3]
    assert rows[1]["epochs"] == 2
    assert rows[2]["reason"] == "loss is nan"
    assert rows[3]["learning_rate"] == 4e-5


@pytest.mark.parametrize("shares", [{}, {"learning_rate": 0.75, "decay": 0.25}])
def test_importances_are_drawn_only_where_there_are_some(
    tmp_path: Path, shares: dict[str, float]
) -> None:
    write_results(Searched("toy", SEARCHED.trials, shares), tmp_path / "search")
    assert (tmp_path / "search" / "history.png").read_bytes().startswith(PNG)
    assert (tmp_path / "search" / "importances.png").exists() == bool(shares)


def test_search_without_a_good_trial_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(DivergenceError, match="loss is nan"):
        write_results(Searched("toy", (trial(0, None, "failed"),), {}), tmp_path / "search")
    assert not (tmp_path / "search").exists()
