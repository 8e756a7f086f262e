from __future__ import annotations

import numpy as np
import pytest

from components.edits import case, deletion, punctuation, swap, typo
from components.shifts import Shift, exactly_shifted
from components.spans import Span

TEXT = "Ask Ada Lovelace, of New York City, about it."


def span_of(part: str, text: str = TEXT) -> Span:
    start = text.index(part)
    return Span(start, start + len(part), "x")


@pytest.mark.parametrize(
    ("after", "part", "expected"),
    [
        ("Please ask Ada Lovelace, of New York City, about it.", "Ada Lovelace", "Ada Lovelace"),
        ("ASK ADA LOVELACE, OF NEW YORK CITY, ABOUT IT.", "Ada Lovelace", "ADA LOVELACE"),
        ("Ask Ada Lovelcae, of New York City, about it.", "Ada Lovelace", "Ada Lovelcae"),
        ("Ask Ada Lovelace of New York City about it", "New York City", "New York City"),
        ("Ask Ada Lovelace, of New City, about it.", "New York City", "New City"),
        ("Ask Ada Lovelace, of New York City, about it...", "New York City", "New York City"),
        # An end of it is gone, or something came in between.
        ("Ask Lovelace, of New York City, about it.", "Ada Lovelace", None),
        ("Ask Lovelace Ada, of New York City, about it.", "Ada Lovelace", None),
        ("Ask Ada of Lovelace, New York City, about it.", "Ada Lovelace", None),
        ("Ask Ada Lovelace of New York City about it", "Lovelace,", None),
        ("", "Ada Lovelace", None),
    ],
)
def test_a_span_moves_with_its_words_or_not_at_all(
    after: str, part: str, expected: str | None
) -> None:
    moved = Shift(TEXT, after).exact(span_of(part))
    assert (after[moved.start : moved.end] if moved else None) == expected


def test_a_place_within_a_word_moves_if_the_word_keeps_its_length() -> None:
    span = Span(4, 8, "x")
    assert Shift("ask OBAMAs", "Please ask obamas").exact(span) == Span(11, 15, "x")
    assert Shift("ask OBAMAs", "ask obamass").exact(span) is None


def test_what_is_left_of_a_span_is_near_it() -> None:
    after = "Ask Lovelace, of New York City, about it."
    moved = Shift(TEXT, after).near(span_of("Ada Lovelace"))
    assert moved == span_of("Lovelace", after)
    assert Shift(TEXT, "").near(span_of("Ada Lovelace")) is None


@pytest.mark.parametrize("edit", [typo, case, punctuation, swap, deletion])
@pytest.mark.parametrize("seed", range(20))
def test_spans_keep_their_words_under_every_edit(edit, seed: int) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    after = edit(TEXT, np.random.default_rng(seed))
    spans = [span_of("Ada Lovelace"), span_of("New York City")]
    moved = exactly_shifted(spans, TEXT, after)
    if edit in (typo, case, punctuation):
        assert moved is not None
    for old, new in zip(spans, moved or [], strict=False):
        before, now = TEXT[old.start : old.end], after[new.start : new.end]
        assert now[0].casefold() in before.casefold()
        if edit in (case, punctuation):
            assert now.casefold() == before.casefold()
        if edit in (swap, deletion):
            # In their order, and none that was not there.
            words = iter(before.split())
            assert all(word in words for word in now.split())
    assert moved is None or [s.label for s in moved] == ["x", "x"]
