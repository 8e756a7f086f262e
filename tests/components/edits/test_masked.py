from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from components.edits.masked import LEAST, Guess, Hidden, hidden_words, replaced

TEXT = "I never lost the Parcel, but please track OKAY Order."


def places(
    text: str, kept: list[tuple[int, int]] | None = None, spared: set[str] | None = None
) -> set[str]:
    """Return all words that are ever hidden."""
    found: set[str] = set()
    for seed in range(200):
        hidden = hidden_words(text, kept or [], spared or set(), np.random.default_rng(seed))
        assert len(hidden) <= 2
        assert hidden == sorted(set(hidden))
        found |= {text[place.start : place.end] for place in hidden}
    return found


def test_words_that_negate_or_look_like_names_or_are_short_stay() -> None:
    assert places(TEXT) == {"lost", "please", "track"}
    assert places("They WEREN'T sure without it. Never!") == {"They", "sure"}
    assert places("PLEASE TRACK IT") == {"PLEASE", "TRACK"}


def test_parts_that_are_kept_stay_and_so_do_words_that_are_spared() -> None:
    start = TEXT.index("please")
    assert places(TEXT, [(start + 3, start + 4)]) == {"lost", "track"}
    assert places(TEXT, spared={"lost"}) == {"please", "track"}


@pytest.mark.parametrize("text", ["", " ", "1234 5678", "no not but", "a b c"])
def test_a_text_without_such_words_hides_none(text: str) -> None:
    assert places(text) == set()
    assert replaced([], [], set(), np.random.default_rng(0)) is None


def outcomes(
    text: str, word: str, *guesses: tuple[str, float], spared: tuple[str, ...] = ()
) -> Counter[str | None]:
    start = text.index(word)
    hidden, found = [Hidden(text, start, start + len(word))], [[Guess(*each) for each in guesses]]
    return Counter(
        replaced(hidden, found, spared, np.random.default_rng(seed)) for seed in range(200)
    )


@pytest.mark.parametrize(
    "guess",
    [
        ("track", 0.9),  # the same
        ("Track", 0.9),
        ("never", 0.9),  # would turn the meaning round
        ("don't", 0.9),
        ("##ing", 0.9),
        ("7", 0.9),
        ("two words", 0.9),
        ("London", 0.9),  # a name where none was
        ("rome", 0.9),  # spared
        ("find", LEAST / 2),
        ("", 0.9),
    ],
)
def test_what_must_not_stand_there_does_not(guess: tuple[str, float]) -> None:
    assert set(outcomes("please track it", "track", guess, spared=("rome",))) == {None}
    alone = set(outcomes("please track it", "track", guess, ("find", 0.05), spared=("rome",)))
    assert alone == {"please find it"}


def test_likelier_words_come_more_often() -> None:
    found = outcomes("please track it", "track", ("find", 0.6), ("send", 0.2), ("track", 0.2))
    assert set(found) == {"please find it", "please send it"}
    assert 2 < found["please find it"] / found["please send it"] < 4.5


def test_the_last_bits_of_the_odds_decide_nothing() -> None:
    one = outcomes("please track it", "track", ("find", 0.3), ("send", 0.3))
    other = outcomes("please track it", "track", ("find", 0.3 + 1e-7), ("send", 0.3 - 1e-7))
    assert one == other


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("Track it", "Track", "Find it"),
        ("TRACK IT", "TRACK", "FIND IT"),
        ("to track", "track", "to find"),
    ],
)
def test_the_case_of_the_place_is_kept(text: str, word: str, expected: str) -> None:
    assert set(outcomes(text, word, ("find", 0.9))) == {expected}


def test_two_places_are_replaced_at_once_and_one_alone_where_the_other_cannot_be() -> None:
    text = "please track parcels"
    hidden = [Hidden(text, 0, 6), Hidden(text, 13, 20)]
    both = [[Guess("kindly", 0.9)], [Guess("invoices", 0.9)]]
    rng = np.random.default_rng(0)
    assert replaced(hidden, both, (), rng) == "kindly track invoices"
    assert replaced(hidden, [both[0], []], (), rng) == "kindly track parcels"
    assert replaced(hidden, [[], both[1]], (), rng) == "please track invoices"
    assert replaced(hidden, [[], []], (), rng) is None
