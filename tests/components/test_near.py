from __future__ import annotations

import random
import time

import numpy as np
import pytest

from components.likely import LikelyPairs
from components.near import FirstNear, NearCopies, grams, similarity, variant_key

SYLLABLES = "ka to mi re su no la ve di po".split()  # noqa: SIM905


def sentence(rng: random.Random, length: int) -> str:
    return " ".join("".join(rng.choices(SYLLABLES, k=3)) for _ in range(length))


def test_similarity_is_shared_over_all() -> None:
    assert grams("abcd") == {"abc", "bcd"}
    assert similarity("abcd", "bcde") == pytest.approx(1 / 3)
    assert NearCopies(["abcd", "xyz"], 0.9).nearest("bcde") == pytest.approx(1 / 3)
    assert NearCopies(["abcd"], 0.9).nearest("abcd") == 1
    assert NearCopies(["abcd"], 0.9).nearest("xyz") == 0


@pytest.mark.parametrize("text", ["", " ", "a", "ab", "😀"])
def test_texts_shorter_than_a_gram_are_compared_whole(text: str) -> None:
    assert text in NearCopies([text], 0.9)
    assert "something else" not in NearCopies([text], 0.9)


def test_case_spacing_and_punctuation_hide_nothing() -> None:
    assert "  WHERE is\nmy order?! " in NearCopies(["where is my order"], 1.0)


def test_nothing_is_near_when_nothing_is_held_out() -> None:
    assert "text" not in NearCopies([], 0.5)


def test_similarity_equal_to_the_threshold_counts() -> None:
    # 9 of 10 grams shared
    assert "abcdefghijkl" in NearCopies(["abcdefghijk"], 0.9)
    assert "abcdefghijkl" not in NearCopies(["abcdefghijk"], 0.9001)


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 2 / 3, 0.7, 0.8, 0.9, 0.95, 1.0])
def test_index_finds_what_comparing_all_pairs_finds(threshold: float) -> None:
    rng = random.Random(5)
    held_out = [sentence(rng, rng.randint(1, 8)) for _ in range(60)]
    near = NearCopies(held_out, threshold)
    asked = []
    for text in held_out:
        letters = list(text)
        for _ in range(rng.randint(0, 6)):
            letters[rng.randrange(len(letters))] = rng.choice("abcdefgh ")
        asked.append("".join(letters))
    asked += [sentence(rng, rng.randint(1, 8)) for _ in range(60)]
    for text in asked:
        best = max(similarity(text, other) for other in held_out)
        assert near.nearest(text) == best
        assert (text in near) == (best >= threshold)


def test_two_thousand_texts_against_a_thousand_take_no_time() -> None:
    rng = random.Random(6)
    held_out = [sentence(rng, 8) for _ in range(1_000)]
    asked = [sentence(rng, 8) for _ in range(2_000)]
    started = time.process_time()
    near = NearCopies(held_out, 0.9)
    assert sum(text in near for text in asked) == 0
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "variant",
    [
        "where is MY order",
        " Where\tis my\norder?!",
        "where is my “order”",
        "\uff57here is my order",
        "w\u00adhere is my order",
    ],
)
def test_variants_share_a_key(variant: str) -> None:
    assert variant_key(variant) == "where is my order"


def test_apostrophes_vanish_and_hyphens_part_words() -> None:
    assert variant_key("I can\u2019t top-up") == variant_key("i cant top up")


@pytest.mark.parametrize(("a", "b"), [("1.5", "15"), ("$5", "€5"), ("no", "on"), ("??", "!!")])
def test_other_texts_have_other_keys(a: str, b: str) -> None:
    assert variant_key(a) != variant_key(b)


def test_marks_that_belong_to_a_letter_stay() -> None:
    assert variant_key("किताब") == "किताब"


PLAIN = "when will the parcel that i ordered arrive"


@pytest.mark.parametrize(
    "text",
    [
        "when will the letter that i ordered arrive",
        "when will the parcel i ordered arrive",
        "when will the parcel that i ordered finally arrive",
        "when will the parcel that i odrered arrive",
        "that parcel i ordered, when will the arrive?",
        "When will the PARCEL that i ordered arrive?",
    ],
    ids=["replaced", "left out", "added", "mistyped", "moved", "the same"],
)
def test_one_word_apart_is_near(text: str) -> None:
    assert FirstNear([PLAIN]).of([variant_key(text)]) == [[0]]


@pytest.mark.parametrize(
    "text",
    [
        "when will the letter that you ordered arrive",
        "when does the parcel i ordered arrive",
        "where has the order gone that i paid for",
    ],
)
def test_two_words_apart_is_not_near(text: str) -> None:
    assert FirstNear([PLAIN]).of([variant_key(text)]) == [[]]


def test_a_word_of_few_makes_another_question() -> None:
    short, long = "please cancel my order now", "please cancel my last order now"
    assert FirstNear([short]).of(["please track my order now"]) == [[]]
    assert FirstNear([long]).of(["please track my last order now"]) == [[0]]


def test_a_long_text_may_differ_in_more_than_a_word() -> None:
    rng = random.Random(3)
    text = sentence(rng, 40)
    words = text.split()
    words[3], words[20] = words[3][:-1] + "x", words[20][:-1] + "x"
    assert FirstNear([text]).of([" ".join(words)]) == [[0]]


def test_each_held_out_text_is_found_once() -> None:
    near = FirstNear([PLAIN, PLAIN + " today", "something else altogether is asked here"])
    assert near.of([PLAIN, PLAIN]) == [[0, 1], []]
    assert near.of([PLAIN]) == [[]]


def test_finds_every_similar_text_that_comparing_all_pairs_finds() -> None:
    rng = random.Random(8)
    held_out = [sentence(rng, rng.randint(1, 14)) for _ in range(160)]
    found, asked = 0, []
    for text in held_out:
        letters = list(text)
        for _ in range(rng.randint(0, 4)):
            letters[rng.randrange(len(letters))] = rng.choice("abcdefgh ")
        asked.append(variant_key("".join(letters)))
        near = {i for i, other in enumerate(held_out) if similarity(asked[-1], other) >= 0.9}
        assert near <= set(FirstNear(held_out).of(asked[-1:])[0])
        found += len(near)
    assert 20 < found < 160
    together = {place for places in FirstNear(held_out).of(asked) for place in places}
    apart = FirstNear(held_out)
    assert together == {place for key in asked for place in apart.of([key])[0]}


def test_finds_similar_texts_of_hundreds_of_words() -> None:
    rng = random.Random(9)
    held_out = [sentence(rng, 300) for _ in range(30)]
    similar = 0
    for place, text in enumerate(held_out):
        letters = list(text)
        for _ in range(2 + 2 * place):
            letters[rng.randrange(len(letters))] = rng.choice("abcdefgh ")
        key = variant_key("".join(letters))
        expected = [i for i, other in enumerate(held_out) if similarity(key, other) >= 0.9]
        assert FirstNear(held_out).of([key]) == [expected]
        similar += len(expected)
    assert len(held_out) < similar < len(held_out) ** 2 / 2


def test_texts_of_the_same_few_words_are_mostly_not_compared() -> None:
    rng = random.Random(10)
    texts = [" ".join(rng.choices(["order", "parcel", "refund", "where", "today"], k=8))
             for _ in range(400)]  # fmt: skip
    likely = LikelyPairs(texts, 0.9).of(texts, np.ones(400, dtype=bool))
    similar = [
        [i for i, other in enumerate(texts) if similarity(text, other) >= 0.9] for text in texts
    ]
    assert all(set(few) <= set(many) for few, many in zip(similar, likely, strict=True))
    assert sum(map(len, likely)) < 400 * 400 / 20


@pytest.mark.parametrize("text", ["", "a", "ab", "😀", "\ud800", "abc"])
def test_the_shortest_texts_are_near_to_themselves_alone(text: str) -> None:
    held_out = [text, "zz", "something else"]
    assert FirstNear(held_out).of(["other", variant_key(text)]) == [[], [0]]


def test_memory_of_pairs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"please tell me where order {i} is today" for i in range(300)]
    whole = LikelyPairs(texts, 0.9).of(texts, np.ones(300, dtype=bool))
    monkeypatch.setattr("components.likely.TOGETHER", 500)
    assert LikelyPairs(texts, 0.9).of(texts, np.ones(300, dtype=bool)) == whole
    assert all(place in places for place, places in enumerate(whole))


def test_nothing_is_likely_where_nothing_is_held_out() -> None:
    assert FirstNear([]).of(["some text"]) == [[]]
    assert FirstNear(["some text"]).of([]) == []


def test_thousands_of_texts_that_are_all_alike_take_no_time() -> None:
    near = FirstNear([f"please tell me where order {i} is today" for i in range(3_000)])
    started = time.process_time()
    assert len(near.of(["please tell me where order x is today"])[0]) == 3_000
    near.of([f"please tell me where order {i} is today" for i in range(3_000)])
    assert time.process_time() - started < 3
