"""In: pairs of a question and a context. Out: rows of tokens, several where the context is long.

[CLS] question [SEP] window [SEP], as the tokenizer's own post-processor puts special tokens about a
pair; each window of one context starts a fixed step behind the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from components.arrays import Array
from components.reach import step, windows


@dataclass(frozen=True)
class Window:
    """One row.

    Attributes:
        ids: its tokens.
        places: (tokens, 2) from where to where each stands in the context, in characters; -1 for
            those that are not of the context.
        owner: the number of its pair.
    """

    ids: list[int]
    places: Array
    owner: int


@dataclass(frozen=True)
class Limits:
    """How long rows may be.

    Attributes:
        row: tokens of a row, special ones included.
        question: tokens of a question.
        overlap: tokens that neighbouring windows share.
    """

    row: int
    question: int
    overlap: int


def pair_windows(
    tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]], limits: Limits
) -> tuple[list[Window], list[int]]:
    """Tokenize pairs; every token of a context stands in some row, at most `limits.row` long.

    A question is cut where it is too long, or would leave no room for a token of the context.

    Returns:
        The rows, pair by pair, and per pair the tokens of the question that were cut.
    """
    tokenizer.no_truncation()
    tokenizer.no_padding()
    special = _special(tokenizer)
    budget = max(0, min(limits.question, limits.row - sum(map(len, special)) - 1))
    questions = tokenizer.encode_batch([pair[0] for pair in pairs], add_special_tokens=False)
    # Many questions are asked about one context.
    contexts = list(dict.fromkeys(context for _, context in pairs))
    encodings = tokenizer.encode_batch(contexts, add_special_tokens=False)
    told = dict(zip(contexts, encodings, strict=True))
    rows: list[Window] = []
    for owner, ((_, context), question) in enumerate(zip(pairs, questions, strict=True)):
        head = [*special[0], *question.ids[:budget], *special[1]]
        ids, offsets = told[context].ids, np.array(told[context].offsets).reshape(-1, 2)
        room = limits.row - len(head) - len(special[2])
        for start, end in windows(len(ids), room, limits.overlap):
            row = [*head, *ids[start:end], *special[2]]
            places = np.full((len(row), 2), -1, dtype=np.int64)
            places[len(head) : len(head) + end - start] = offsets[start:end]
            rows.append(Window(row, places, owner))
    return rows, [max(0, len(question.ids) - budget) for question in questions]


def merged(parts: Sequence[tuple[Array, Array]], overlap: int) -> Array:
    """Put the windows of one context together.

    A token is taken from the window in which it has most context on its poorer side; the first
    row, "no answer", is the first token of the window that finds it least likely, since an answer
    in any one window is an answer (both as in run_squad.py of google-research/bert).

    Args:
        parts: per window, in order, its places, (tokens, 2), and its logits, (tokens, 2).
        overlap: that the windows were cut with.

    Returns:
        (1 + context tokens, 4): start logit, end logit, and the token's place.
    """
    inside = [places[:, 0] >= 0 for places, _ in parts]
    sizes = [int(each.sum()) for each in inside]
    behind = step(max(sizes), overlap)
    total = behind * (len(parts) - 1) + sizes[-1]
    out, best = np.zeros((1 + total, 4)), np.full(total, -1.0)
    out[0, :2] = min((row[0] for _, row in parts), key=sum)
    for number, ((places, row), of_context) in enumerate(zip(parts, inside, strict=True)):
        at = number * behind + np.arange(sizes[number])
        left = np.arange(sizes[number])
        # Of equally poor places the longer window counts, by a hundredth, as in BERT's recipe.
        context = np.minimum(left, left[::-1]) + 0.01 * sizes[number]
        better = context > best[at]
        best[at[better]] = context[better]
        found = np.concatenate([row, places], axis=1)[of_context]
        out[1 + at[better]] = found[better]
    return out


def _special(tokenizer: Tokenizer) -> tuple[list[int], list[int], list[int]]:
    """Return the special tokens before, between and behind a pair, as its post-processor has them.

    A pair of two words shows where they stand.
    """
    pair = tokenizer.encode("a", "a")
    of = pair.sequence_ids
    first, last = [at for at, side in enumerate(of) if side == 0], of.index(1)
    end = len(of) - of[::-1].index(1)
    return pair.ids[: first[0]], pair.ids[first[-1] + 1 : last], pair.ids[end:]
