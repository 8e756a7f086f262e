from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from components.edits.contexts import rearranged
from components.edits.sentences import sentences

CONTEXT = (
    "Rain fell in May. Ada Lovelace wrote the notes in London. Snow fell in June. "
    "She was ill by then.\nNo one came. The end."
)
Answers = list[tuple[int, str]]


def answers(*texts: str, context: str = CONTEXT) -> Answers:
    return [(context.index(text), text) for text in texts]


def outcomes(context: str, right: Answers, draws: int = 200) -> list[tuple[str, Answers]]:
    found = [rearranged(context, right, np.random.default_rng(seed)) for seed in range(draws)]
    return [each for each in found if each is not None]


def parts(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "right",
    [answers("Ada Lovelace"), answers("London", "in London"), answers("May", "The end"), []],
)
def test_answers_stand_where_they_say(right: Answers) -> None:
    found = outcomes(CONTEXT, right)
    assert len(found) == 200
    for context, moved in found:
        assert context != CONTEXT
        assert [text for _, text in moved] == [text for _, text in right]
        assert all(context[at : at + len(text)] == text for at, text in moved)


def test_one_sentence_is_gone_or_two_have_changed_places() -> None:
    before = parts(CONTEXT)
    for context, _ in outcomes(CONTEXT, answers("London")):
        after = parts(context)
        gone = Counter(before) - Counter(after)
        assert not Counter(after) - Counter(before)
        if gone:
            assert gone.total() == 1
            assert after == [part for part in before if part not in gone]
        else:
            assert sum(one != other for one, other in zip(before, after, strict=True)) == 2


def test_both_kinds_occur_and_each_sentence_that_can_be_spared_is() -> None:
    found = [parts(context) for context, _ in outcomes(CONTEXT, answers("London"))]
    assert {len(each) for each in found} == {5, 6}
    gone = {part for each in found for part in set(parts(CONTEXT)) - set(each)}
    # The one with the answer stays, and so does the one that "she" speaks of.
    assert gone == {"Rain fell in May.", "She was ill by then.", "No one came.", "The end."}


def test_a_sentence_that_leans_on_the_one_before_stays_behind_it() -> None:
    for context, _ in outcomes(CONTEXT, answers("London")):
        after = parts(context)
        if "She was ill by then." in after:
            at = after.index("She was ill by then.")
            assert after[at - 1] == "Snow fell in June."


def test_space_stays_between_the_places() -> None:
    for context, _ in outcomes(CONTEXT, []):
        assert "  " not in context
        assert context == context.strip()
        assert context.count("\n") <= 1


@pytest.mark.parametrize(
    ("context", "texts"),
    [
        ("One sentence alone.", []),
        ("One sentence alone.", ["sentence"]),
        ("Here it is. And there.", ["Here", "there"]),
        ("Ada came. She left.", ["left"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_nothing_to_spare_is_no_edit(context: str, texts: list[str]) -> None:
    assert outcomes(context, answers(*texts, context=context), 20) == []


def test_an_answer_over_two_sentences_holds_them_together() -> None:
    context = "Rain fell. Ada wrote notes. Alan read books. Snow fell."
    right = answers("wrote notes. Alan", context=context)
    found = outcomes(context, right)
    assert {each for each, _ in found} == {
        "Ada wrote notes. Alan read books. Snow fell.",
        "Rain fell. Ada wrote notes. Alan read books.",
        "Snow fell. Ada wrote notes. Alan read books. Rain fell.",
    }
    assert all(text[at:].startswith("wrote notes. Alan") for text, [(at, _)] in found)
