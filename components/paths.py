"""In: how probable each tag of each word is. Out: the best legal sequence, its odds, its spans.

Tags are O, B-x, I-x, B-y, I-y ... in this order (IOB2); I-x must stand after B-x or I-x.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from components.arrays import Array
from components.spans import Span


def best_path(logs: Array) -> Array:
    """Return the most probable legal sequence (Viterbi, IEEE Trans. Inf. Theory 13, 1967).

    Args:
        logs: (words, tags) logarithms of probabilities.

    Returns:
        (words,) tags.
    """
    free: Array = logs.argmax(axis=1)
    if legal(free):
        return free
    begin, inside = _tags(logs)
    score = _at_start(logs)
    back = np.zeros(logs.shape, dtype=np.int64)
    for place in range(1, len(logs)):
        top = score.argmax()
        gain = np.full(len(score), score[top])
        back[place] = top
        stay = score[inside] > score[begin]
        gain[inside] = np.where(stay, score[inside], score[begin])
        back[place, inside] = np.where(stay, inside, begin)
        score = gain + logs[place]
    path = np.zeros(len(logs), dtype=np.int64)
    path[-1] = score.argmax()
    for place in range(len(logs) - 1, 0, -1):
        path[place - 1] = back[place, path[place]]
    return path


def path_score(logs: Array, path: Array) -> float:
    """Return the probability of a legal sequence among all legal ones, by the forward sum.

    Args:
        logs: (words, tags) logarithms of probabilities.
        path: (words,) tags.
    """
    if not len(logs):
        return 1.0
    begin, inside = _tags(logs)
    alpha = _at_start(logs)
    for row in logs[1:]:
        top = alpha.max()
        reached = np.full(len(alpha), top + np.log(np.exp(alpha - top).sum()))
        reached[inside] = np.logaddexp(alpha[begin], alpha[inside])
        alpha = reached + row
    top = alpha.max()
    whole = top + np.log(np.exp(alpha - top).sum())
    own = logs[np.arange(len(path)), path].sum()
    return float(min(1.0, np.exp(own - whole)))


def legal(path: Array) -> bool:
    """Return whether every I stands after a B or I of its type."""
    before = np.concatenate([[0], path[:-1]])
    inside = (path > 0) & (path % 2 == 0)
    return bool((~inside | (before == path) | (before == path - 1)).all())


def log_softmax(logits: Array) -> Array:
    """Return logarithms of probabilities along the last axis, in float64."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    out: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return out


def _tags(logs: Array) -> tuple[Array, Array]:
    begin = np.arange(1, logs.shape[1], 2)
    return begin, begin + 1


def _at_start(logs: Array) -> Array:
    score: Array = logs[0].copy()
    score[_tags(logs)[1]] = -np.inf
    return score


def tags_of(spans: Sequence[Span], words: int, index: Mapping[str, int]) -> Array:
    """Return (words,) the tags of spans over words; `index` numbers their labels."""
    tags = np.zeros(words, dtype=np.int64)
    for span in spans:
        begin = 1 + 2 * index[span.label]
        tags[span.start] = begin
        tags[span.start + 1 : span.end] = begin + 1
    return tags


def spans_of(path: Array, places: Array, labels: Sequence[str]) -> list[Span]:
    """Return the spans of a sequence of tags; an I without its B begins one, too.

    Args:
        path: (words,) tags.
        places: (words, 2) from where to where each word reaches.
        labels: by number.
    """
    found: list[Span] = []
    before = 0
    for tag, (start, end) in zip(path.tolist(), places.tolist(), strict=True):
        if tag and tag % 2 == 0 and before in (tag, tag - 1):
            found[-1] = found[-1]._replace(end=end)
        elif tag:
            found.append(Span(start, end, labels[(tag - 1) // 2]))
        before = tag
    return found
