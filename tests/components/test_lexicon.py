from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from components.errors import ParamsError
from components.lexicon import WORD, read_lexicon, replace_words

BUNDLED = Path(__file__).parents[2] / "components/augmentation/lexicon.json"

LEXICON = {
    "parcel": ["package"],
    "error": ["mistake"],
    "item": ["article", "product"],
    "tv": ["set"],
}


def outcomes(text: str) -> set[str]:
    return {replace_words(text, np.random.default_rng(seed), LEXICON) for seed in range(60)}


def test_whole_words_are_replaced_and_nothing_else() -> None:
    assert outcomes("my parcel-box, parcels, parcel!") == {"my parcel-box, parcels, package!"}


def test_case_of_the_word_is_kept() -> None:
    assert outcomes("Parcel lost") == {"Package lost"}
    assert outcomes("WHERE IS MY PARCEL") == {"WHERE IS MY PACKAGE"}
    assert outcomes("parcel") == {"package"}
    assert outcomes("the TV is dark") == {"the set is dark"}


def test_capital_inside_a_sentence_is_taken_for_a_name() -> None:
    assert outcomes("ask Parcel") == {"ask Parcel"}
    assert outcomes("Ask. Parcel is gone") == {"Ask. Package is gone"}


def test_a_name_is_replaced_where_names_are_meant() -> None:
    drawn = np.random.default_rng(0)
    assert replace_words("ask Anna", drawn, {"anna": ["tom"]}, names=True) == "ask Tom"


def test_article_stays_right() -> None:
    assert outcomes("an item") == {"an article"}
    assert outcomes("the item") == {"the article", "the product"}
    assert outcomes("an error") == {"an error"}


def test_at_most_two_words_are_replaced() -> None:
    made = outcomes("parcel parcel parcel")
    assert {text.count("package") for text in made} == {1, 2}


def test_text_without_known_words_stays() -> None:
    assert outcomes("hello") == {"hello"}


def test_bundled_lexicon_holds_single_lower_case_words_and_other_words_for_them() -> None:
    tree = json.loads(BUNDLED.read_text(encoding="utf-8"))
    assert len(tree) >= 250
    assert list(tree) == sorted(tree)
    for word, synonyms in tree.items():
        assert WORD.fullmatch(word)
        assert word == word.lower()
        assert synonyms
        assert word not in synonyms
        assert len(set(synonyms)) == len(synonyms)
    assert read_lexicon(BUNDLED) == tree


def test_users_lexicon_is_read_in_any_case(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"Paket": ["Sendung", "paket"]}', encoding="utf-8")
    assert read_lexicon(path) == {"paket": ["Sendung"]}


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("{", "cannot be read"),
        ("[]", "holds no words, found list"),
        ('{"a": "b"}', "'a' must have a list of texts, found \"b\""),
        ('{"a": [1]}', r"'a' must have a list of texts, found \[1\]"),
        ('{"a": [""]}', "must have a list of texts"),
    ],
)
def test_lexicon_of_another_form_is_refused(tmp_path: Path, content: str, rule: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ParamsError, match=rule):
        read_lexicon(path)


def test_missing_lexicon_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"augmentation.lexicon: .*none.json cannot be read"):
        read_lexicon(tmp_path / "none.json")
