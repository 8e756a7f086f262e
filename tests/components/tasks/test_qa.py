from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from components.answering import canonical
from components.tasks import load_task
from components.tasks.base import (
    Array,
    Example,
    Prediction,
    Task,
    TaskOptions,
    metrics,
    predictions,
)
from components.tasks.qa import NOTHING, Options
from tests.contracts.tasks.perfect import perfect, perfect_rows

CONTEXT = "the order is late and the money is not back, cancel the parcel please"


def task_with(**options: Any) -> Task:
    return load_task(Options.model_validate(Options.example().model_dump() | options))


ALWAYS = task_with(no_answer=False)


@pytest.fixture
def tokenizer(tiny_tokenizer: Path) -> Tokenizer:
    return Tokenizer.from_file(str(tiny_tokenizer / "tokenizer.json"))


def asked(text: str, question: str = "where is it") -> Example:
    start = CONTEXT.index(text)
    return {"question": question, "context": CONTEXT, "answers": canonical([(start, text)])}


def spans_of(words: list[str], start: list[float], end: list[float], null: float) -> Array:
    """Return one example's logits on words that stand one space apart."""
    ends = np.cumsum([len(word) + 1 for word in words]) - 1
    begins = ends - [len(word) for word in words]
    tokens = np.stack([start, end, begins, ends], axis=1)
    return np.concatenate([[[null, null, 0, 0]], tokens])


def answer(task: Task, logits: Array) -> Prediction:
    return task.decode([logits])[0]


@pytest.mark.parametrize("longest", [1, 2, 5, 40])
@pytest.mark.parametrize("seed", range(5))
def test_best_span_is_the_one_that_trying_all_finds(longest: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    start, end = rng.normal(size=(2, 12))
    logits = spans_of(["word"] * 12, list(start), list(end), 0.0)
    legal = [
        (start[i] + end[j], i, j)
        for i, j in itertools.product(range(12), repeat=2)
        if i <= j < i + longest
    ]
    best, first, last = max(legal)
    found = answer(task_with(no_answer=False, max_answer_tokens=longest), logits)
    assert found.label == f"[{5 * first}:{5 * last + 4}]"
    assert found.score == pytest.approx(np.exp(best) / sum(np.exp(total) for total, *_ in legal))


def test_answer_holds_its_text_and_where_it_stands() -> None:
    words = CONTEXT.split()
    rows = [9.0 if word == "money" else 0.0 for word in words]
    logits = spans_of(words, rows, rows, 0.0)
    (found,) = predictions(ALWAYS, [{"question": "what", "context": CONTEXT}], [logits])
    value = dict(found.value)
    assert found.label == value["label"] == value["text"] == "money"
    assert CONTEXT[value["start"] : value["end"]] == "money"
    assert value["score"] == pytest.approx(found.score, abs=1e-6)


def test_no_answer_is_given_where_it_outweighs_the_best_one_by_the_threshold() -> None:
    logits = spans_of(["one", "two"], [1.0, 0.0], [1.0, 0.0], 1.5)  # 3 against 2
    for threshold, label in ((0.9, NOTHING), (1.1, "[0:3]")):
        assert answer(task_with(threshold=threshold), logits).label == label
    assert answer(ALWAYS, logits).label == "[0:3]"


def test_text_without_a_word_has_no_answer() -> None:
    for task in (ALWAYS, task_with()):
        assert answer(task, np.zeros((1, 4))).label == NOTHING


@pytest.mark.parametrize("max_length", [12, 14, 20, 64])
@pytest.mark.parametrize("overlap", [0, 3, 50])
def test_windows_hold_every_token_of_the_context_and_the_whole_answer_is_found(
    tokenizer: Tokenizer, max_length: int, overlap: int
) -> None:
    task = task_with(no_answer=False, window_overlap=overlap)
    examples = [asked("money"), asked("parcel please"), asked("the order")]
    encoded = task.encode(tokenizer, examples, max_length)
    assert all(len(row) <= max_length for row in encoded.input_ids)
    assert encoded.truncated == [0, 0, 0]
    offsets = tokenizer.encode(CONTEXT, add_special_tokens=False).offsets
    for logits in perfect(task, encoded):
        assert [tuple(place) for place in logits[1:, 2:].astype(int)] == offsets
    assert metrics(task, examples[:1], perfect(task, encoded)[:1])["exact_match"] == 1


def test_answer_that_a_window_cuts_is_learned_from_no_such_window(tokenizer: Tokenizer) -> None:
    task = task_with(no_answer=False, window_overlap=0)
    encoded = task.encode(tokenizer, [asked("late and the money")], 11)  # 5 tokens of context
    assert encoded.targets is not None
    assert len(encoded.targets) > 2
    assert [target.tolist() for target in encoded.targets].count([0, 0]) >= len(encoded.targets) - 1


def test_token_is_taken_from_the_window_with_most_context(tokenizer: Tokenizer) -> None:
    task = task_with(no_answer=False, window_overlap=4)
    encoded = task.encode(tokenizer, [asked("money")], 14)  # windows of 8, each 4 behind the last
    assert encoded.places is not None
    rows = [np.full((len(ids), 2), float(n)) for n, ids in enumerate(encoded.input_ids)]
    (found,) = task.gather(encoded, rows)
    assert found[0, :2].tolist() == [0.0, 0.0]
    # Token 5 has 2 behind it in window 0, and 1 before it in window 1.
    assert found[1:, 0].tolist()[:8] == [0, 0, 0, 0, 0, 0, 1, 1]


def test_no_answer_is_taken_from_the_window_that_finds_it_least_likely(
    tokenizer: Tokenizer,
) -> None:
    task = task_with()
    encoded = task.encode(tokenizer, [asked("money")], 14)
    rows = [np.full((len(ids), 2), float(-n)) for n, ids in enumerate(encoded.input_ids)]
    (found,) = task.gather(encoded, rows)
    assert found[0, :2].tolist() == [1.0 - len(rows)] * 2


def test_question_that_is_too_long_is_cut_and_counted(tokenizer: Tokenizer) -> None:
    task = task_with(max_question_tokens=3)
    encoded = task.encode(
        tokenizer, [asked("money", "where is my order"), asked("late", "why")], 64
    )
    assert encoded.truncated[0] == 1
    assert encoded.input_ids[0][:5] == tokenizer.encode("where is my").ids


def test_rows_are_what_the_tokenizer_makes_of_a_pair(tokenizer: Tokenizer) -> None:
    (row,) = ALWAYS.encode(tokenizer, [asked("late")], 64).input_ids
    assert row == tokenizer.encode("where is it", CONTEXT).ids


@pytest.mark.parametrize(
    ("right", "given", "exact_match", "f1"),
    [
        (["the Eiffel Tower"], "Eiffel tower.", 1, 1),
        (["Eiffel Tower"], "in Paris", 0, 0),
        (["Eiffel Tower"], "the tower", 0, 2 / 3),
        (["four dogs"], "four four", 0, 1 / 2),
        (["New York", "in New York City"], "New York City", 0, 6 / 7),
        ([], "", 1, 1),
        ([], "Eiffel", 0, 0),
        (["Eiffel"], "", 0, 0),
    ],
)
def test_figures_are_those_of_squad(
    right: list[str], given: str, exact_match: float, f1: float
) -> None:
    context = " | ".join([*right, given])
    starts = list(itertools.accumulate((len(text) + 3 for text in right), initial=0))
    answers = canonical(list(zip(starts, right, strict=False)))
    logits = np.zeros((2, 4))
    logits[1] = [9, 9, starts[-1], len(context)]
    logits[0, :2] = 0 if given else 99
    example = {"question": "x", "context": context, "answers": answers}
    found = metrics(task_with(threshold=0.0), [example], [logits])
    assert found == {"exact_match": pytest.approx(exact_match), "f1": pytest.approx(f1)}
    answers_given = predictions(task_with(threshold=0.0), [example], [logits])
    assert task_with().right([example], answers_given).tolist() == [bool(exact_match)]


def test_threshold_is_the_one_that_gives_windows_the_highest_f1() -> None:
    # Five windows: "no answer" outweighs by -3, -1, 1, 2, 4; it is right in the last two alone.
    targets = [np.array(span) for span in ([2, 3], [1, 1], [2, 2], [0, 0], [0, 0])]
    rows = []
    for target, margin in zip(targets, (-3.0, -1.0, 1.0, 2.0, 4.0), strict=True):
        row = np.full((5, 2), -9.0)
        row[target if target.any() else [1, 1], [0, 1]] = 0.0
        row[0] = margin / 2
        rows.append(row)
    task = task_with()
    assert task.tunes
    found = task.tuned(targets, rows)
    assert 1.0 < found.model_dump()["threshold"] < 2.0
    assert not load_task(found).tunes
    told = load_task(found).from_tokens(targets, rows)
    assert metrics(load_task(found), *told) == {"exact_match": 1.0, "f1": 1.0}


def test_threshold_answers_nothing_where_nothing_is_right_and_all_where_all_is() -> None:
    row = np.zeros((4, 2))
    for target, label in (([0, 0], True), ([1, 1], False)):
        row[1] = 1.0
        found = load_task(task_with().tuned([np.array(target)] * 3, [row] * 3))
        _, logits = found.from_tokens([np.array([0, 0])], [row])
        assert (answer(found, logits[0]).label == NOTHING) is label


def test_windows_without_the_answer_are_left_out_where_some_answer_is_always_given() -> None:
    row = np.zeros((6, 2))
    targets = [np.array([0, 0]), np.array([2, 3])]
    assert len(ALWAYS.from_tokens(targets, [row, row])[0]) == 1
    assert len(task_with().from_tokens(targets, [row, row])[0]) == 2


def test_tokens_alone_tell_f1_by_tokens(tokenizer: Tokenizer) -> None:
    encoded = ALWAYS.encode(tokenizer, [asked("late and the money")], 64)
    assert encoded.targets is not None
    (row,) = perfect_rows(ALWAYS, encoded)
    row[:, 1] = np.roll(row[:, 1], -2)  # two of four tokens are left
    told = ALWAYS.from_tokens(encoded.targets, [row])
    assert metrics(ALWAYS, *told)["f1"] == pytest.approx(2 * 2 / (4 + 2))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"answers": "[]"}, "missing_label"),
        ({"answers": ""}, "missing_label"),
        ({"question": " "}, "empty_text"),
        ({"context": None}, "empty_text"),
        ({"answers": canonical([(5, "order")])}, "unknown_label"),
        ({"answers": canonical([(-2, "e")])}, "unknown_label"),
        ({"answers": '[{"start": true, "text": "h"}]'}, "unknown_label"),
        ({"answers": '[{"start": 4, "text": "order", "more": 1}]'}, "unknown_label"),
        ({"answers": "[" * 100_000}, "unknown_label"),
    ],
)
def test_rows_are_rejected_for_what_is_wrong_with_them(
    change: dict[str, Any], reason: str | None
) -> None:
    assert ALWAYS.reject({**asked("order"), **change}) == reason


def test_rows_without_an_answer_are_legal_where_options_say_so() -> None:
    assert task_with().reject({**asked("order"), "answers": "[]"}) is None


def test_answers_are_the_same_but_for_case_articles_and_punctuation() -> None:
    def given(text: str) -> Prediction:
        return Prediction(text, 0.5, {"label": text, "text": text})

    example = asked("order")
    assert ALWAYS.same(example, example, [given("the Order"), given("order,")])
    assert not ALWAYS.same(example, example, [given("order"), given("orders")])
    assert not ALWAYS.same(example, example, [given("the"), given("")])


def test_answers_are_canonical_json() -> None:
    assert json.loads(canonical([(3, "caf\u00e9")])) == [{"start": 3, "text": "caf\u00e9"}]
    assert canonical([]) == "[]"


def test_threshold_needs_questions_without_an_answer() -> None:
    options: TaskOptions = Options.example()
    with pytest.raises(ValueError, match="threshold must be null where no_answer is false"):
        Options.model_validate(options.model_dump() | {"no_answer": False, "threshold": 1.0})
