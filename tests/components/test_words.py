from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from components.reach import windows
from components.spans import Span
from components.words import Word, aligned, content_of, owner, rows_of


@pytest.fixture(scope="module")
def tokenizer(tiny_tokenizer: Path) -> Tokenizer:
    return Tokenizer.from_file(str(tiny_tokenizer / "tokenizer.json"))


def words(tokenizer: Tokenizer, text: str) -> list[str]:
    content = content_of(tokenizer.encode(text), text)
    return [text[word.start : word.end] for word in content.words]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("refund my order", ["refund", "my", "order"]),
        ("Where's it?", ["Where", "'", "s", "it", "?"]),
        ("  refund \t order\n", ["refund", "order"]),
        ("re\x00fund order", ["re\x00fund", "order"]),
        ("re\u200bfund order", ["re\u200bfund", "order"]),
        ("order\ufeff my", ["order\ufeff", "my"]),
        ("my \u202eorder", ["my", "\u202eorder"]),
        ("cafe\u0301 it", ["cafe\u0301", "it"]),
        ("my 🙂 order", ["my", "🙂", "order"]),
        ("❤\ufe0f order", ["❤\ufe0f", "order"]),
        ("東京 order", ["東", "京", "order"]),
        ("[SEP] order", ["[", "SEP", "]", "order"]),
        ("", []),
        ("\u200b", []),
        (" ", []),
    ],
)
def test_words_keep_the_places_that_they_have_in_the_text(
    tokenizer: Tokenizer, text: str, expected: list[str]
) -> None:
    assert words(tokenizer, text) == expected


def test_a_word_of_several_tokens_is_one_word(tokenizer: Tokenizer) -> None:
    content = content_of(tokenizer.encode("zzz order"), "zzz order")
    assert content.words == [Word(0, 3, 0, 3), Word(3, 4, 4, 9)]
    assert (len(content.before), len(content.ids), len(content.after)) == (1, 4, 1)


@pytest.mark.parametrize("tokens", [0, 1, 4, 5, 6, 9, 10, 57])
@pytest.mark.parametrize("overlap", [0, 1, 3, 4, 99])
def test_windows_hold_all_tokens_and_share_what_is_asked(tokens: int, overlap: int) -> None:
    found = windows(tokens, 5, overlap)
    assert {at for start, end in found for at in range(start, end)} == set(range(tokens))
    assert all(end - start <= 5 for start, end in found)
    assert found == sorted(set(found))
    for (_, end), (start, _) in itertools.pairwise(found):
        assert end - start == min(overlap, 5 // 2)
    assert (len(found) == 1) == (tokens <= 5)


def test_a_word_belongs_to_the_window_in_which_it_has_most_context() -> None:
    found = [(0, 10), (6, 16), (12, 20)]
    owners = [owner(Word(at, at + 1, at, at + 1), found, 20) for at in range(20)]
    # Where the text begins and ends, nothing is missing: the outer windows keep their edges.
    assert owners == [0] * 8 + [1] * 6 + [2] * 6
    # A word that a window cuts has less than no context there.
    assert owner(Word(8, 11, 0, 1), found, 20) == 1


def test_each_word_is_answered_once_at_its_first_token(tokenizer: Tokenizer) -> None:
    text = "refund zzz order please help my parcel " * 4
    content = content_of(tokenizer.encode(text), text)
    rows = rows_of(content, 10, 4)
    assert len(rows) > 3
    assert all(len(row.ids) <= 10 for row in rows)
    answered = [int(n) for row in rows for n in row.words if n >= 0]
    assert sorted(answered) == list(range(len(content.words)))
    for row in rows:
        assert row.ids[:1] == content.before
        assert row.ids[-1:] == content.after
        for token, place, number in zip(row.ids, row.places.tolist(), row.words, strict=True):
            if number < 0:
                assert place == [-1, -1]
            else:
                word = content.words[number]
                assert token == content.ids[word.first]
                assert place == [word.start, word.end]


WORDS = [Word(0, 1, 0, 3), Word(1, 2, 4, 8), Word(2, 3, 8, 9), Word(3, 4, 10, 14)]


@pytest.mark.parametrize(
    ("spans", "expected", "off"),
    [
        ([Span(0, 8, "a")], [Span(0, 2, "a")], 0),
        ([Span(0, 8, "a"), Span(8, 9, "b")], [Span(0, 2, "a"), Span(2, 3, "b")], 0),
        ([Span(1, 6, "a")], [Span(0, 2, "a")], 1),
        ([Span(5, 6, "a"), Span(6, 14, "b")], [Span(1, 2, "a"), Span(2, 4, "b")], 2),
        ([Span(5, 6, "a"), Span(6, 8, "b")], [Span(1, 2, "a")], 2),
        ([Span(3, 4, "a")], [], 1),
        ([], [], 0),
    ],
)
def test_spans_snap_outward_to_words_and_are_counted(
    spans: list[Span], expected: list[Span], off: int
) -> None:
    assert aligned(WORDS, spans) == (expected, off)
