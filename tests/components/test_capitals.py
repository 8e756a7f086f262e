"""In: texts with capitals, and a vocabulary that has none. Out: what an encoder is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from components.capitals import ALL, FIRST, TOKENS, WITHIN, ids_of, mark_of
from components.errors import EncoderError
from components.spans import Span, write_spans
from components.tasks import load_task
from components.tasks.base import Task
from components.tasks.ner import Options

TEXT = "Please cancel MY order, iPhone and É"


@pytest.fixture
def tokenizer(tiny_tokenizer: Path) -> Tokenizer:
    found = Tokenizer.from_file(str(tiny_tokenizer / "tokenizer.json"))
    found.add_tokens(list(TOKENS))
    return found


def ner(mark_capitals: bool) -> Task:
    options = Options(kind="ner", labels=("thing",), window_overlap=2, mark_capitals=mark_capitals)
    return load_task(options)


@pytest.mark.parametrize(
    ("word", "mark"),
    [
        ("London", FIRST),
        ("I", FIRST),
        ("É", FIRST),
        ("NASA", ALL),
        ("U2", ALL),
        ("iPhone", WITHIN),
        ("McDonald", WITHIN),
        ("london", None),
        ("42", None),
        ("ß", None),
        ("北京", None),
        (",", None),
    ],
)
def test_capitals_are_told_apart(word: str, mark: int | None) -> None:
    assert mark_of(word) == mark


def test_a_mark_stands_before_each_word_with_capitals(tokenizer: Tokenizer) -> None:
    ids = ner(mark_capitals=True).encode(tokenizer, [{"text": TEXT}], 64).input_ids[0]
    tokens = [tokenizer.id_to_token(number) for number in ids]

    first, whole, within = TOKENS
    assert [tokens[tokens.index(mark) + 1] for mark in TOKENS] == ["please", "my", "i"]
    assert [token for token in tokens if token in TOKENS] == [first, whole, within, first]
    plain = ner(mark_capitals=False).encode(tokenizer, [{"text": TEXT}], 64).input_ids[0]
    assert [n for n, token in zip(ids, tokens, strict=True) if token not in TOKENS] == plain


@pytest.mark.parametrize("max_length", [8, 64])
def test_words_are_answered_and_learned_where_they_were(
    tokenizer: Tokenizer, max_length: int
) -> None:
    row = {"text": TEXT, "entities": write_spans([Span(7, 16, "thing"), Span(24, 30, "thing")])}
    told = []
    for marking in (True, False):
        encoded = ner(mark_capitals=marking).encode(tokenizer, [row], max_length)
        assert encoded.places is not None
        assert encoded.targets is not None
        assert max(map(len, encoded.input_ids)) <= max_length
        places = np.concatenate(encoded.places)
        targets = np.concatenate(encoded.targets)
        held = places[:, 0] >= 0
        marks = np.isin(np.concatenate(encoded.input_ids), ids_of(tokenizer))
        assert not (marks & held).any()
        assert (targets[~held] < 0).all()
        told.append((places[held].tolist(), targets[held].tolist()))
    assert told[0] == told[1]


def test_a_vocabulary_without_unused_tokens_is_refused_with_a_cure(tiny_tokenizer: Path) -> None:
    lacking = Tokenizer.from_file(str(tiny_tokenizer / "tokenizer.json"))

    with pytest.raises(EncoderError, match="which the encoder's vocabulary lacks"):
        ner(mark_capitals=True).encode(lacking, [{"text": TEXT}], 64)


def test_a_bundle_without_the_option_reads_as_before() -> None:
    off = ner(mark_capitals=False).options
    assert "mark_capitals" not in off.stored()
    assert Options.read(off.stored()) == off
    on = ner(mark_capitals=True).options
    assert Options.read(on.stored()) == on
