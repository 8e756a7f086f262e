from __future__ import annotations

import random
import time

import pytest

from components.near import Grams, NearCopies, grams

SYLLABLES = "ka to mi re su no la ve di po".split()  # noqa: SIM905


def sentence(rng: random.Random, length: int) -> str:
    return " ".join("".join(rng.choices(SYLLABLES, k=3)) for _ in range(length))


def similarity(a: Grams, b: Grams) -> float:
    """Compare two sets by the definition."""
    return len(a & b) / len(a | b)


def test_similarity_is_shared_over_all() -> None:
    assert grams("abcd") == {"abc", "bcd"}
    assert NearCopies(["abcd", "xyz"], 0.9).nearest("bcde") == pytest.approx(1 / 3)
    assert NearCopies(["abcd"], 0.9).nearest("abcd") == 1
    assert NearCopies(["abcd"], 0.9).nearest("xyz") == 0


@pytest.mark.parametrize("text", ["", " ", "a", "ab", "😀"])
def test_texts_shorter_than_a_gram_are_compared_whole(text: str) -> None:
    assert text in NearCopies([text], 0.9)
    assert "something else" not in NearCopies([text], 0.9)


def test_case_and_spacing_hide_nothing() -> None:
    assert "  WHERE is\nmy order " in NearCopies(["where is my order"], 1.0)


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
        best = max(similarity(grams(text), grams(other)) for other in held_out)
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
