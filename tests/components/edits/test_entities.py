from __future__ import annotations

import numpy as np
import pytest

from components.edits.entities import Stock, stocked, swapped
from components.spans import Span, read_spans, write_spans

PEOPLE = ("Ada Lovelace", "Grace Hopper", "Alan")
PLACES = ("Rome", "New York", "Paris", "Rio de Janeiro")
STOCK: Stock = {"person": sorted(PEOPLE), "place": sorted(PLACES)}


def row(text: str, *parts: tuple[str, str]) -> tuple[str, list[Span]]:
    """Return a text and its entities, each the first such part."""
    spans = [Span(text.index(part), text.index(part) + len(part), label) for part, label in parts]
    return text, sorted(spans)


def outcomes(
    text: str, spans: list[Span], stock: Stock = STOCK, draws: int = 200
) -> list[tuple[str, list[Span]]]:
    found = [swapped(text, spans, stock, np.random.default_rng(seed)) for seed in range(draws)]
    return [each for each in found if each is not None]


def words(text: str, spans: list[Span]) -> list[str]:
    return [text[span.start : span.end] for span in spans]


TEXT = row(
    "Ask Alan, now in Paris, about Rome.", ("Alan", "person"), ("Paris", "place"), ("Rome", "place")
)


def test_every_entity_is_another_of_its_type_or_itself_and_lies_where_it_says() -> None:
    for text, spans in outcomes(*TEXT):
        assert [span.label for span in spans] == ["person", "place", "place"]
        person, *places = words(text, spans)
        assert person in PEOPLE
        assert set(places) <= set(PLACES)
        assert read_spans(write_spans(spans)) == spans


def test_all_words_outside_entities_stay() -> None:
    for text, spans in outcomes(*TEXT):
        ends = [0, *(end for span in spans for end in span[:2]), len(text)]
        assert [text[ends[at] : ends[at + 1]] for at in (0, 2, 4, 6)] == [
            "Ask ",
            ", now in ",
            ", about ",
            ".",
        ]


def test_something_is_swapped_and_no_entity_comes_twice() -> None:
    for text, spans in outcomes(*TEXT):
        assert text != TEXT[0]
        assert len(set(words(text, spans))) == 3


def test_every_other_entity_of_the_type_comes_in_some_time() -> None:
    assert {words(*each)[0] for each in outcomes(*row("Ask Alan.", ("Alan", "person")))} == {
        "Ada Lovelace",
        "Grace Hopper",
    }


def test_an_entity_named_twice_is_swapped_alike() -> None:
    text = "Rome, always Rome."
    spans = [Span(0, 4, "place"), Span(13, 17, "place")]
    for each in outcomes(text, spans):
        first, second = words(*each)
        assert first == second != "Rome"


@pytest.mark.parametrize(
    ("text", "part", "stock"),
    [
        ("nothing here", "", STOCK),
        ("to Rome", "Rome", {"person": ["Ada"]}),
        ("to Rome", "Rome", {"place": ["Rome", "ROME"]}),  # the same but for its case is none
        ("to Romeo", "Rome", STOCK),
        ("to #Rome", "Rome", STOCK),
        ("to #Rome", "#Rome", STOCK),
        ("to the Rome", "Rome", {"place": ["The Hague"]}),
        ("an Ohio", "Ohio", {"place": ["Rome"]}),
        ("In Rome", "Rome", {"place": ["LONDON", "oslo"]}),  # nobody writes like that here
        ("In Rome", "Rome", {}),
    ],
)
def test_nothing_that_fits_is_no_swap(text: str, part: str, stock: Stock) -> None:
    _, spans = row(text, *([(part, "place")] if part else []))
    assert outcomes(text, spans, stock, 20) == []


@pytest.mark.parametrize(
    ("text", "part", "other", "expected"),
    [
        ("to #Rome", "#Rome", "#Oslo", "to #Oslo"),
        ("an Ohio", "Ohio", "Essex", "an Essex"),
        ("the UK now", "UK", "USA", "the USA now"),
        ("TO ROME", "ROME", "New York", "TO NEW YORK"),
        ("to rome", "rome", "New York", "to new york"),
        ("To rome", "rome", "oslo", "To oslo"),
    ],
)
def test_the_other_is_written_as_the_place_asks(
    text: str, part: str, other: str, expected: str
) -> None:
    _, spans = row(text, (part, "place"))
    assert {each for each, _ in outcomes(text, spans, {"place": [other]}, 10)} == {expected}


def test_the_stock_holds_whole_words_of_one_line_each_once() -> None:
    rows = [
        row("Rome and Oslo", ("Rome", "place"), ("Oslo", "place")),
        row("Oslo", ("Oslo", "place")),
        row("Romeo", ("Rome", "person")),
        row("#Rome", ("Rome", "person")),
        row("New\nYork", ("New\nYork", "place")),
        row("Ada", ("Ada", "person")),
    ]
    assert stocked(rows) == {"place": ["Oslo", "Rome"], "person": ["Ada"]}
    assert stocked(reversed(rows)) == stocked(rows)
    assert stocked([]) == {}
