"""In: good rows. Out: proof that the benchmark plants what it says, and counts what is found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.planted import HEADS, lines
from benchmarks.planting import EACH, LEAKS, PERSONAL, WRONG, leaks, personal_data, wrong_labels
from components.params import Params, load_params
from components.records import REJECTS, write_split
from components.schema import ID, PARENT_ID, REASON, SPLITS, example_schema
from components.spans import read_spans
from components.tasks import load_task, options_type
from components.tasks.base import Task
from tests.components.survey.conftest import WORDS, Row, good_rows


@pytest.fixture
def params(root: Path) -> Params:
    whole = load_params(root / "params.yaml")
    return whole.model_copy(update={"task": whole.task.model_copy(update={"labels": tuple(WORDS)})})


@pytest.fixture
def task(params: Params) -> Task:
    return load_task(params.task)


@pytest.fixture
def rows() -> list[Row]:
    return good_rows(per_label=400)


def test_each_fault_is_counted_against_what_was_planted(
    params: Params, task: Task, rows: list[Row], tmp_path: Path
) -> None:
    schema = example_schema(task.columns, ["channel"])
    for split in SPLITS:
        own = [row for row in rows if row["split"] == split]
        write_split(tmp_path, split, pa.Table.from_pylist(own, schema=schema))
    none = schema.append(pa.field(REASON, pa.string())).empty_table()
    pq.write_table(none, tmp_path / REJECTS)

    found = {line[0]: line[1:] for line in lines(params, tmp_path)}

    assert all(len(line) == len(HEADS) - 2 for line in found.values())
    planted, right, listed, published = found[WRONG]
    assert published == 0
    assert 40 <= planted <= 80
    assert 0.8 * planted <= right <= listed <= 1.1 * planted
    for kind in PERSONAL:
        assert found[kind] == [EACH, EACH, EACH, 0], kind
    for kind in ("exact", "variants", "children"):
        assert found[f"leak: {kind}"] == [EACH, EACH, EACH, 0], kind
    assert found["leak: near"][1] >= 0.9 * EACH
    assert found["a private address"] == [EACH, 0, 0, 0]


def test_wrong_labels_are_others_of_the_task(task: Task, rows: list[Row]) -> None:
    planted = wrong_labels(task, rows, 0.05, seed=1)

    before = {row[ID]: row["label"] for row in rows}
    changed = {row[ID]: row["label"] for row in planted.rows if row["label"] != before[row[ID]]}
    assert planted.faults[WRONG] == {name: before[name] for name in changed}
    assert set(changed.values()) <= set(WORDS)


def test_entities_lose_their_type_or_their_mark() -> None:
    options = options_type("ner").example()
    task = load_task(options)
    sample = next(row for row in task.samples() if task.marked(row))
    rows = [{**sample, ID: str(number)} for number in range(40)]

    planted = wrong_labels(task, rows, 1.0, seed=1)

    left = Counter(len(read_spans(row["entities"])) for row in planted.rows)
    had = len(task.marked(sample))
    assert set(left) == {had - 1, had}
    assert len(planted.faults[WRONG]) == 40


def test_several_labels_lose_one_of_them() -> None:
    task = load_task(options_type("multilabel").example())
    sample = next(row for row in task.samples() if task.tags(row))
    planted = wrong_labels(task, [{**sample, ID: "a"}], 1.0, seed=1)

    (row,) = planted.rows
    assert len(task.tags(row)) == len(task.tags(sample))
    assert planted.faults[WRONG]["a"] in set(task.tags(sample)) - set(task.tags(row))


def test_personal_data_stand_in_texts_that_had_none(task: Task, rows: list[Row]) -> None:
    rows[0]["text"] = "ask anna@example.com"
    planted = personal_data(task, rows, None, seed=1)

    texts = {row[ID]: row["text"] for row in planted.rows}
    assert texts[rows[0][ID]] == rows[0]["text"]
    for faults in planted.faults.values():
        assert len(faults) == EACH
        assert all(said in texts[name] for name, said in faults.items())


def test_leaks_are_training_rows_beside_all_others(task: Task, rows: list[Row]) -> None:
    planted = leaks(task, rows, seed=1)

    assert [row[ID] for row in planted.rows[: len(rows)]] == [row[ID] for row in rows]
    added = planted.rows[len(rows) :]
    assert len(added) == EACH * len(LEAKS)
    assert {row["split"] for row in added} == {"train"}
    parents = [row[PARENT_ID] for row in added if row[PARENT_ID]]
    assert parents == list(planted.faults["children"].values())
