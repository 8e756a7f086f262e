from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from components.errors import DivergenceError
from components.files import read_json
from components.params.load import read_tree
from components.search import Finalist, Searched, Trial, write_results
from tests.components.search import found

ABOUT = found.about()


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
    (Finalist(0, (0.5, 0.25), None), Finalist(3, (0.5, 0.75), None)),
)


def test_winners_values_survive_the_way_through_yaml(tmp_path: Path) -> None:
    write_results(SEARCHED, ABOUT, tmp_path / "search")
    assert read_tree(tmp_path / "search" / "best.yaml") == {
        "trial": 3,
        "score": 0.5,
        "mean": 0.625,
        "spread": pytest.approx(0.17678, abs=1e-5),
        "scores": [0.5, 0.75],
        "values": {"learning_rate": 4e-5, "decay": "linear", "batch_size": 32},
        "study": "toy",
    }


def test_single_score_has_no_spread(tmp_path: Path) -> None:
    alone = dataclasses.replace(SEARCHED, finalists=(Finalist(0, (0.5,), None),))
    write_results(alone, ABOUT, tmp_path / "search")
    assert read_tree(tmp_path / "search" / "best.yaml")["spread"] is None


def test_finalists_are_told_and_one_that_is_out_has_no_mean(tmp_path: Path) -> None:
    out = Finalist(1, (0.9,), "loss is nan")
    write_results(
        dataclasses.replace(SEARCHED, finalists=(out, *SEARCHED.finalists)),
        ABOUT,
        tmp_path / "search",
    )
    told = read_json(tmp_path / "search" / "finalists.json")
    assert told["winner"] == 3
    assert told["trials"][0] == {
        "trial": 1,
        "scores": [0.9],
        "mean": None,
        "spread": None,
        "reason": "loss is nan",
    }
    assert [row["mean"] for row in told["trials"][1:]] == [0.375, 0.625]
    assert [row["scores"] for row in told["trials"][1:]] == [[0.5, 0.25], [0.5, 0.75]]


def test_table_has_one_row_per_trial_failed_ones_included(tmp_path: Path) -> None:
    write_results(SEARCHED, ABOUT, tmp_path / "search")
    rows = pq.read_table(tmp_path / "search" / "trials.parquet").to_pylist()
    assert [row["state"] for row in rows] == ["complete", "pruned", "failed", "complete"]
    assert [row["score"] for row in rows] == [0.5, 0.3, None, 0.5]
    assert rows[1]["scores"] == [0.15, 0.3]
    assert rows[1]["epochs"] == 2
    assert rows[2]["reason"] == "loss is nan"
    assert rows[3]["learning_rate"] == 4e-5


def test_report_lies_beside_what_it_is_about(tmp_path: Path) -> None:
    write_results(SEARCHED, ABOUT, tmp_path / "search")
    names = {path.name for path in (tmp_path / "search").iterdir()}
    assert names == {"best.yaml", "finalists.json", "trials.parquet", "report.html"}


def test_search_without_a_good_trial_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(DivergenceError, match="loss is nan"):
        write_results(
            Searched("toy", (trial(0, None, "failed"),), {}, ()), ABOUT, tmp_path / "search"
        )
    assert not (tmp_path / "search").exists()


def test_verdict_on_copies_stands_in_a_file_of_its_own_where_there_is_one(tmp_path: Path) -> None:
    write_results(SEARCHED, ABOUT, tmp_path / "unasked")
    assert not (tmp_path / "unasked" / "ablation.json").exists()
    asked = dataclasses.replace(SEARCHED, ablation=found.ablation())
    write_results(asked, ABOUT, tmp_path / "asked")
    told = read_json(tmp_path / "asked" / "ablation.json")
    assert (told["verdict"], told["rows"], told["copies"]) == ("off", 111, 11)
    assert told["gain"] == pytest.approx(0.005)
    assert told["sentence"] == found.ablation().sentence("macro_f1")
    assert told["seconds"] == 32.0
