from __future__ import annotations

import pytest

from components.edits.decisive import decisive, is_decisive


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I can't pay", "I cannot pay"),
        ("I cannot pay", "I can not pay"),
        ("I didn’t pay", "I DID NOT pay"),  # noqa: RUF001 - both apostrophes occur
        ("dont pay", "do not pay"),
        ("I pay only him, but late", "But I pay him only"),
        ("nothing", "Nothing."),
    ],
)
def test_the_same_negations_are_the_same_however_they_are_written(one: str, other: str) -> None:
    assert decisive(one) == decisive(other)
    assert decisive(one).total() > 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I did not pay", "I did pay"),
        ("I never pay", "I pay"),
        ("not that I did not pay", "I did not pay"),
        ("I have no money", "I have money"),
        ("everything but that", "everything and that"),
    ],
)
def test_a_negation_that_goes_is_seen(one: str, other: str) -> None:
    assert decisive(one) != decisive(other)


def test_words_that_only_look_alike_are_none() -> None:
    assert not any(
        is_decisive(word) for word in ("note", "know", "want", "only-begotten", "nt", "")
    )
    assert not decisive("I want to know a note")
