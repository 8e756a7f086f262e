"""In: the made-up corpus. Out: proof that it is seeded, varied, and no matter of single words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from components.ingestion.tickets import COLUMNS, Row, corpus, tickets
from components.params import load_params
from components.seeding import unit_interval

SEED = 7


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(tickets(3000, SEED))


@pytest.fixture(scope="module")
def usable(rows: list[Row]) -> list[Row]:
    seen: dict[str, Row] = {}
    for row in rows:
        if row["intent"] and 0 < len(row["body"].strip()) < 2000 and "�" not in row["body"]:
            seen.setdefault(" ".join(row["body"].casefold().split()), row)
    return list(seen.values())


def test_the_seed_fixes_every_row_and_another_seed_others(rows: list[Row]) -> None:
    again = list(tickets(3000, SEED))
    assert again == rows
    assert list(tickets(50, SEED + 1)) != rows[:50]


def test_columns_and_intents_are_those_of_the_params(rows: list[Row], root: Path) -> None:
    params = load_params(root / "params.yaml")
    labels = params.task.model_dump()["labels"]
    assert {row["intent"] for row in rows} == {"", *labels}
    assert set(corpus()["intents"]) == set(labels)
    assert all(tuple(row) == COLUMNS for row in rows)


def test_neighbouring_intents_are_other_intents() -> None:
    intents = corpus()["intents"]
    for name, templates in intents.items():
        assert set(templates["near"]) <= set(intents) - {name}


def test_no_template_mark_is_left_in_a_text(rows: list[Row]) -> None:
    assert not [row["body"] for row in rows if set("{}[]|") & set(row["body"])]


def test_texts_are_short_and_customers_come_back(usable: list[Row]) -> None:
    assert np.median([len(row["body"].split()) for row in usable]) <= 18
    customers = Counter(row["customer_id"] for row in usable if row["customer_id"])
    assert 2 < np.mean(list(customers.values())) < 5


def test_unusable_and_repeated_rows_are_few_but_there(rows: list[Row]) -> None:
    bodies = [row["body"] for row in rows]
    assert 3 <= sum(not body.strip() for body in bodies) <= 40
    assert 1 <= sum(len(body) > 2000 for body in bodies) <= 20
    assert 1 <= sum(not row["intent"] for row in rows) <= 20
    assert 1 <= sum("�" in body for body in bodies) <= 20
    assert 10 <= len(bodies) - len(set(bodies)) <= 150


def test_each_customer_has_one_segment(rows: list[Row]) -> None:
    pairs = {(row["customer_id"], row["segment"]) for row in rows if row["customer_id"]}
    assert len(pairs) == len({customer for customer, _ in pairs})
    assert {segment for _, segment in pairs} == {"consumer", "business", "premium"}


@pytest.mark.parametrize(("longest", "penalty"), [(1, 10.0), (2, 10.0)])
def test_a_bag_of_words_does_not_solve_it(
    usable: list[Row], longest: int, penalty: float, record_property: Callable[[str, object], None]
) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    held = [unit_interval(SEED, row["customer_id"] or row["body"]) < 0.2 for row in usable]
    train = [row for row, out in zip(usable, held, strict=True) if not out]
    test = [row for row, out in zip(usable, held, strict=True) if out]
    words = TfidfVectorizer(ngram_range=(1, longest), sublinear_tf=True)
    model = LogisticRegression(C=penalty, max_iter=500)
    model.fit(words.fit_transform([r["body"] for r in train]), [r["intent"] for r in train])
    score = model.score(words.transform([r["body"] for r in test]), [r["intent"] for r in test])
    record_property("accuracy", score)
    assert 0.70 <= score <= 0.85
