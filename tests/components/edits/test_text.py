from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from components.edits.decisive import DECISIVE
from components.edits.text import (
    case,
    deletion,
    edits_by_name,
    neighbours,
    punctuation,
    swap,
    typo,
)
from components.lexicon import WORD, read_lexicon
from components.params.augmentation import EditsParams

TEXT = "Where is my parcel? I did not get it, please help."
LEXICON = Path(__file__).parents[3] / "components/augmentation/lexicon.json"
EDITS = edits_by_name(read_lexicon(LEXICON))
Edit = Callable[[str, np.random.Generator], str]


def outcomes(edit: Edit, text: str, draws: int = 300) -> set[str]:
    """Return everything that an edit makes of a text."""
    return {edit(text, np.random.default_rng(seed)) for seed in range(draws)}


def words(text: str) -> list[str]:
    return WORD.findall(text)


def test_params_name_the_edits_of_a_text_in_their_order() -> None:
    assert list(EDITS) == list(EditsParams.model_fields)[: len(EDITS)]


@pytest.mark.parametrize("name", EDITS)
def test_edit_is_a_function_of_text_and_stream(name: str) -> None:
    first, second = (EDITS[name](TEXT, np.random.default_rng(3)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", EDITS)
def test_edit_alters_what_it_can(name: str) -> None:
    assert TEXT not in outcomes(EDITS[name], TEXT)


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("text", ["", " ", "\n", "?", "1", "ok", "你好", "😀", "a b", "ß"])
def test_text_without_a_place_for_the_edit_is_no_error(name: str, text: str) -> None:
    assert all(isinstance(outcome, str) for outcome in outcomes(EDITS[name], text, 20))


def test_neighbours_touch_on_the_keyboard() -> None:
    assert set(neighbours()["g"]) == set("tyfhvb")
    assert set(neighbours()["q"]) == set("wa")
    assert set(neighbours()["p"]) == set("ol")
    assert all(a in neighbours()[b] for a in neighbours() for b in neighbours()[a])


def test_typo_is_one_slip_in_one_word() -> None:
    for outcome in outcomes(typo, "track parcel"):
        before, after = ["track", "parcel"], outcome.split()
        assert len(after) == 2
        assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
        assert abs(len(outcome) - len("track parcel")) <= 1


def test_typo_hits_neighbouring_keys_only() -> None:
    for outcome in outcomes(typo, "gggg"):
        assert set(outcome) <= set("gtyfhvb")


def test_typo_keeps_the_case_of_the_place() -> None:
    assert all(outcome.isupper() for outcome in outcomes(typo, "TRACK PARCEL"))
    assert all(
        outcome[0].isupper() and outcome[1:].islower() for outcome in outcomes(typo, "Track")
    )


def test_typo_leaves_short_words_numbers_and_other_scripts_alone() -> None:
    text = "my 12345678 A1B2C3 где посылка"
    assert outcomes(typo, text) == {text}


def test_swap_exchanges_two_neighbours_and_moves_nothing_else() -> None:
    made = outcomes(swap, "one two, three  four")
    assert made == {"two one, three  four", "one two, four  three"}


def test_deletion_leaves_one_word_out() -> None:
    for outcome in outcomes(deletion, TEXT):
        assert len(words(outcome)) == len(words(TEXT)) - 1
        assert "  " not in outcome
        assert outcome == outcome.strip()


def test_deletion_never_takes_a_negation() -> None:
    assert all("not" in words(outcome) for outcome in outcomes(deletion, TEXT))
    text = "no never don't can’t without"  # noqa: RUF001
    assert outcomes(deletion, text) == {text}
    assert {"no", "not", "never", "without"} <= DECISIVE


def test_deletion_leaves_short_texts_alone() -> None:
    assert outcomes(deletion, "where is it") == {"where is it"}


def test_case_alters_nothing_but_case() -> None:
    made = outcomes(case, TEXT)
    assert made == {TEXT.lower(), TEXT.upper(), "w" + TEXT[1:]}


def test_punctuation_alters_nothing_but_marks() -> None:
    for outcome in outcomes(punctuation, TEXT):
        assert words(outcome) == words(TEXT)
    assert outcomes(punctuation, "pay 3.50 at 10:30") == {
        f"pay 3.50 at 10:30{mark}" for mark in (".", "!", "...")
    }
    assert outcomes(punctuation, "why?") == {"why", "why??", "why???"}
