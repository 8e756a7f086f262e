from __future__ import annotations

import itertools
import json
import warnings

import pytest
from seqeval.scheme import IOB1, IOB2, IOBES, Entities

from components.spans import (
    Scheme,
    Span,
    TagError,
    read_spans,
    span_mistakes,
    tagged_spans,
    write_spans,
)

SEQEVAL = {"iob1": IOB1, "iob2": IOB2, "bioes": IOBES}
SCHEMES: tuple[Scheme, ...] = ("iob1", "iob2", "bioes")
TAGS = {
    "iob1": ("O", "B-a", "I-a", "I-b", "B-b"),
    "iob2": ("O", "B-a", "I-a", "I-b", "B-b"),
    "bioes": ("O", "B-a", "I-a", "E-a", "S-a", "B-b", "E-b"),
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_every_legal_sequence_means_what_it_means_to_seqeval(scheme: Scheme, length: int) -> None:
    legal = 0
    for tags in itertools.product(TAGS[scheme], repeat=length):
        try:
            found = tagged_spans(tags, scheme)
        except TagError:
            continue
        legal += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (entities,) = Entities([list(tags)], SEQEVAL[scheme]).entities
        assert [(e.start, e.end, e.tag) for e in entities] == found, tags
    assert legal > 1


@pytest.mark.parametrize(
    ("scheme", "tags", "place", "rule"),
    [
        ("iob2", ["O", "I-a"], 1, "'I-a' must not stand after 'O': a span of this type"),
        ("iob2", ["B-a", "I-b"], 1, "'I-b' must not stand after 'B-a'"),
        ("iob2", ["I-a"], 0, "must have begun"),
        ("iob1", ["O", "B-a"], 1, "B only parts it from a neighbour"),
        ("iob1", ["I-b", "B-a"], 1, "B only parts it from a neighbour"),
        ("bioes", ["B-a", "O"], 1, "the span before has no end"),
        ("bioes", ["B-a"], 0, "'B-a' must not stand last"),
        ("bioes", ["E-a"], 0, "must have begun"),
        ("bioes", ["S-a", "I-a"], 1, "must have begun"),
        ("iob2", ["O", "E-a"], 1, "'E-a' is no tag of iob2, which has O, B-<type>, I-<type>"),
        ("iob2", ["B-"], 0, "'B-' is no tag"),
        ("iob2", ["o"], 0, "'o' is no tag"),
        ("iob2", ["B-a,B-b", "I-a"], 1, "'I-a' must not stand after 'B-a,B-b'"),
    ],
)
def test_illegal_tags_are_told_with_place_and_rule(
    scheme: Scheme, tags: list[str], place: int, rule: str
) -> None:
    with pytest.raises(TagError, match="tag") as error:
        tagged_spans(tags, scheme)
    assert error.value.place == place
    assert rule in error.value.rule


def test_types_may_hold_dashes() -> None:
    assert tagged_spans(["B-creative-work"], "iob2") == [Span(0, 1, "creative-work")]


def test_json_of_spans_is_read_as_it_was_written() -> None:
    spans = [Span(0, 3, "ä"), Span(3, 4, 'quo"te')]
    text = write_spans(spans)
    assert read_spans(text) == spans
    assert text == '[{"start":0,"end":3,"label":"ä"},{"start":3,"end":4,"label":"quo\\"te"}]'
    assert read_spans("[]") == []


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ({}, "expected a list"),
        ([1], "expected start, end and label"),
        ([{"start": 0, "end": 1}], "expected start, end and label"),
        ([{"start": 0, "end": 1.0, "label": "a"}], "whole numbers"),
        ([{"start": False, "end": 1, "label": "a"}], "whole numbers"),
        ([{"start": 0, "end": 1, "label": None}], "must be text"),
        ([{"start": 1, "end": 1, "label": "a"}], "is empty"),
        ([{"start": -1, "end": 1, "label": "a"}], "is empty"),
        (
            [{"start": 0, "end": 2, "label": "a"}, {"start": 1, "end": 3, "label": "a"}],
            "overlaps",
        ),
        (
            [{"start": 2, "end": 3, "label": "a"}, {"start": 0, "end": 1, "label": "a"}],
            "out of order",
        ),
    ],
)
def test_what_is_no_list_of_spans_is_refused(rows: object, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        read_spans(json.dumps(rows))


def test_mistakes_are_parted_by_kind() -> None:
    true = [Span(0, 5, "a"), Span(6, 9, "b"), Span(10, 12, "a"), Span(20, 22, "a")]
    answered = [Span(0, 5, "a"), Span(6, 9, "a"), Span(10, 14, "a"), Span(30, 31, "b")]
    assert span_mistakes(true, answered) == {"boundary": 1, "type": 1, "missed": 1, "spurious": 1}
    assert set(span_mistakes(true, true).values()) == {0}
