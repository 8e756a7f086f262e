from __future__ import annotations

import itertools

import numpy as np
import pytest

from components.paths import best_path, legal, log_softmax, path_score, spans_of, tags_of
from components.spans import Span, tagged_spans

TAGS = ("O", "B-a", "I-a", "B-b", "I-b")
LABELS = ("a", "b")


def all_legal(words: int) -> list[tuple[int, ...]]:
    paths = itertools.product(range(len(TAGS)), repeat=words)
    return [path for path in paths if legal(np.array(path))]


def test_legal_paths_are_those_of_the_scheme() -> None:
    for path in itertools.product(range(len(TAGS)), repeat=3):
        tags = [TAGS[tag] for tag in path]
        try:
            spans = tagged_spans(tags, "iob2")
        except ValueError:
            assert not legal(np.array(path)), tags
        else:
            assert legal(np.array(path)), tags
            places = np.arange(3)[:, None] + np.arange(2)
            assert spans_of(np.array(path), places, LABELS) == spans
            assert tags_of(spans, 3, {"a": 0, "b": 1}).tolist() == list(path)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_the_best_path_and_its_odds_are_those_of_trying_all(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    words = 1 + seed % 5
    logs = log_softmax(rng.normal(size=(words, len(TAGS))) * scale)
    # Tempting: tags that cannot stand where they would be likeliest.
    logs[:, 2::2] += 2 * (seed % 2)
    tried = {path: float(logs[np.arange(words), path].sum()) for path in all_legal(words)}
    best = best_path(logs)
    assert tuple(best.tolist()) == max(tried, key=lambda path: tried[path])
    odds = np.exp(np.array(list(tried.values())))
    expected = np.exp(tried[tuple(best.tolist())]) / odds.sum()
    assert path_score(logs, best) == pytest.approx(expected)


def test_hopeless_logits_have_a_path_and_a_score() -> None:
    logits = np.full((3, len(TAGS)), -1e4)
    logits[:, 2] = 1e4
    logs = log_softmax(logits)
    path = best_path(logs)
    assert legal(path)
    assert 0 <= path_score(logs, path) <= 1


def test_no_words_are_certainly_no_entities() -> None:
    assert path_score(np.zeros((0, 5)), np.zeros(0, dtype=np.int64)) == 1.0


def test_an_inside_without_its_begin_begins() -> None:
    places = np.array([[0, 1], [2, 3]])
    assert spans_of(np.array([2, 4]), places, LABELS) == [Span(0, 1, "a"), Span(2, 3, "b")]
