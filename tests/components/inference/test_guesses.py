"""In: a small masked language model. Out: the words that it finds likely, as they must be told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from components.edits.masked import Guess, Hidden
from components.errors import EncoderError
from components.inference.guesses import WINDOW, WordGuesser
from tests.models import THINGS, VERBS


@pytest.fixture(scope="module")
def guesser(tiny_guesser: Path) -> WordGuesser:
    return WordGuesser(tiny_guesser)


def hidden(text: str, word: str) -> Hidden:
    return Hidden(text, text.index(word), text.index(word) + len(word))


@pytest.mark.parametrize(("word", "likely"), [("parcel", THINGS), ("lost", VERBS)])
def test_words_are_told_that_the_model_learned_there(
    guesser: WordGuesser, word: str, likely: tuple[str, ...]
) -> None:
    (found,) = guesser([hidden("i lost my parcel .", word)])
    assert {guess.word for guess in found[: len(likely)]} == set(likely)
    assert [guess.odds for guess in found] == sorted((g.odds for g in found), reverse=True)
    assert 0.5 < sum(guess.odds for guess in found) <= 1


def test_pieces_of_words_are_none(guesser: WordGuesser) -> None:
    (found,) = guesser([hidden("i lost my parcel .", "lost")])
    assert not [guess for guess in found if guess.word.startswith("##") or not guess.word]


def test_answers_come_in_the_order_of_the_questions_whatever_is_asked_beside(
    guesser: WordGuesser,
) -> None:
    texts = [f"i {verb} my {thing} ." + " so" * (7 * n % 5) for n, (verb, thing) in enumerate(
        (v, t) for v in VERBS for t in THINGS
    )] * 9  # fmt: skip
    places = [hidden(text, text.split()[1 + 2 * (n % 2)]) for n, text in enumerate(texts)]
    together = guesser(places)
    assert len(together) == len(places) > 100
    for place, found in zip(places[:8], together[:8], strict=True):
        (alone,) = guesser([place])
        assert [guess.word for guess in alone[:4]] == [guess.word for guess in found[:4]]
        odds = [guess.odds for guess in alone]
        assert odds == pytest.approx([guess.odds for guess in found], abs=1e-4)
    assert guesser(places) == together
    assert guesser([]) == []


def test_a_place_in_a_long_text_is_read_with_what_stands_around_it(guesser: WordGuesser) -> None:
    rest = "want . " * (3 * WINDOW)
    for text in (f"i lost my parcel . {rest}", f"{rest}i lost my parcel .", f"{rest}i lost my parcel . {rest}"):  # fmt: skip # noqa: E501
        (found,) = guesser([hidden(text, "parcel")])
        assert len(found) > 4


def test_a_mask_that_the_text_has_itself_is_not_taken_for_the_place(guesser: WordGuesser) -> None:
    (found,) = guesser([hidden("[MASK] . i lost my parcel . [MASK]", "parcel")])
    (plain,) = guesser([hidden("[MASK] . i lost my order . [MASK]", "order")])
    assert found == plain != guesser([hidden("lost . i lost my parcel . i", "i")])[0]


def test_byte_level_tokens_that_begin_a_word_are_words(tiny_guesser: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_guesser, tmp_path / "byte_level"))
    size = json.loads((folder / "config.json").read_text())["vocab_size"]
    vocabulary = ["<s>", "<pad>", "</s>", "<mask>", "Ġlost", "Ġparcel", "Ġmy", "i", "el", "."]
    vocabulary += [f"x{number}" for number in range(size - len(vocabulary))]
    tokenizer = Tokenizer(models.WordLevel({w: n for n, w in enumerate(vocabulary)}, unk_token="."))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<mask>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    (found,) = WordGuesser(folder)([hidden("i lost my parcel.", "parcel")])
    assert {guess.word for guess in found} <= {"lost", "parcel", "my"}
    assert all(isinstance(guess, Guess) for guess in found)


def test_an_encoder_without_a_head_that_guesses_is_refused(tiny_encoder: Path) -> None:
    with pytest.raises(EncoderError, match=r"weights are missing: cls"):
        WordGuesser(tiny_encoder)


def test_a_tokenizer_without_a_mask_is_refused(tiny_guesser: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_guesser, tmp_path / "no_mask"))
    text = (folder / "tokenizer.json").read_text().replace("[MASK]", "[HIDE]")
    (folder / "tokenizer.json").write_text(text)
    with pytest.raises(EncoderError, match=r"the tokenizer has none of \[MASK\], <mask>"):
        WordGuesser(folder)


def test_files_that_are_no_model_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EncoderError, match=r"cannot be read as a model"):
        WordGuesser(tmp_path)
