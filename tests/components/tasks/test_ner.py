from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2
from tokenizers import Tokenizer

from components.spans import Span, write_spans
from components.tasks import load_task
from components.tasks.base import IGNORED, Array, Example, Prediction, metrics
from components.tasks.ner import Options
from tests.contracts.tasks.perfect import perfect

LABELS = ("person", "place")
TASK = load_task(Options(kind="ner", labels=LABELS, window_overlap=4, mark_capitals=False))
TAGS = TASK.outputs


@pytest.fixture(scope="module")
def tokenizer(tiny_tokenizer: Path) -> Tokenizer:
    return Tokenizer.from_file(str(tiny_tokenizer / "tokenizer.json"))


def example(text: str, *spans: Span) -> Example:
    return {"text": text, "entities": write_spans(spans)}


def answer(tokenizer: Tokenizer, given: Example, max_length: int = 64) -> Prediction:
    """What a head answers that has learned the example by heart."""
    return TASK.decode(perfect(TASK, TASK.encode(tokenizer, [given], max_length)))[0]


def rows_of(rng: np.random.Generator, words: int) -> Array:
    places = np.arange(words)[:, None] * 2 + np.arange(2)
    return np.concatenate([rng.normal(size=(words, len(TAGS))), places], axis=1)


@pytest.mark.parametrize("seed", range(8))
def test_metrics_are_those_of_seqeval(seed: int) -> None:
    rng = np.random.default_rng(seed)
    examples, logits = TASK.from_tokens(
        [rng.integers(0, len(TAGS), 6) for _ in range(9)],
        [rng.normal(size=(6, len(TAGS))) for _ in range(9)],
    )
    found = metrics(TASK, examples, logits)
    gold, said = [], []
    for given, prediction in zip(examples, TASK.decode(logits), strict=True):
        gold.append(tags(given["entities"], 6))
        said.append(tags(write_spans(map(span_of, prediction.value["entities"])), 6))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, score in (("f1", f1_score), ("precision", precision_score)):
            assert found[name] == pytest.approx(score(gold, said, mode="strict", scheme=IOB2))
        expected = recall_score(gold, said, mode="strict", scheme=IOB2)
    assert found["recall"] == pytest.approx(expected)


def span_of(entity: dict[str, object]) -> Span:
    return Span(entity["start"], entity["end"], entity["label"])  # type: ignore[arg-type]


def tags(entities: str, words: int) -> list[str]:
    from components.spans import read_spans

    out = ["O"] * words
    for span in read_spans(entities):
        out[span.start : span.end] = [f"I-{span.label}"] * (span.end - span.start)
        out[span.start] = f"B-{span.label}"
    return out


def test_nothing_answered_has_no_precision_but_zero() -> None:
    assert TASK.score(np.array([0.0, 0.0, 3.0]), "precision") == 0
    assert TASK.score(np.array([0.0, 3.0, 0.0]), "recall") == 0


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("send it to Ada Lovelace of London.", [Span(11, 23, "person"), Span(27, 33, "place")]),
        ("🙂 Ada\u200b wrote", [Span(2, 6, "person")]),
        ("re\x00fund to A\u200bda", [Span(11, 15, "person")]),
        ("cafe\u0301 Zu\u0308rich", [Span(6, 13, "place")]),
        ("\u202eAda wrote", [Span(0, 4, "person")]),
        ("Ada London", [Span(0, 3, "person"), Span(4, 10, "person")]),
        ("nobody", []),
        ("\u200b", []),
        ("", []),
    ],
)
@pytest.mark.parametrize("max_length", [64, 8])
def test_what_was_learned_is_answered_with_its_characters(
    tokenizer: Tokenizer, text: str, spans: list[Span], max_length: int
) -> None:
    given = example(text, *spans)
    found = answer(tokenizer, given, max_length)
    assert [span_of(entity) for entity in found.value["entities"]] == spans
    assert [e["text"] for e in found.value["entities"]] == [text[s.start : s.end] for s in spans]
    assert found.label == TASK.truth(given)
    assert TASK.right([given], [found]).all()


def test_the_label_quotes_each_entity_with_its_place(tokenizer: Tokenizer) -> None:
    given = example("Ada in New York", Span(0, 3, "person"), Span(7, 15, "place"))
    assert answer(tokenizer, given).label == "person: Ada [0:3]; place: New York [7:15]"
    assert answer(tokenizer, example("nobody")).label == "(none)"


def test_the_score_is_of_the_whole_and_an_entity_has_its_own(tokenizer: Tokenizer) -> None:
    encoded = TASK.encode(tokenizer, [{"text": "order refund"}], 64)
    row = np.full((4, len(TAGS)), -30.0)
    row[1, [0, 1]] = 0  # O or B-person, evenly
    row[2, [0, 2]] = np.log([0.25, 0.75])  # likelier I-person, which only B-person allows
    (found,) = TASK.decode(TASK.gather(encoded, [row]))
    assert found.label == "person: order refund [0:12]"
    assert found.score == pytest.approx(0.75 / (0.75 + 0.25 + 0.25))
    assert found.value["entities"][0]["score"] == pytest.approx(0.375)


def test_only_first_tokens_are_learned_from_once_each(tokenizer: Tokenizer) -> None:
    text = "zzz refund qqq order zzz my parcel qqq help zzz"
    start = text.index("qqq")
    given = example(text, Span(start, start + 9, "place"))
    (whole,) = TASK.encode(tokenizer, [given], 64).targets or []
    assert (whole != IGNORED).sum() == len(text.split())
    assert [TAGS[t] for t in whole[whole > 0]] == ["B-place", "I-place"]
    cut = TASK.encode(tokenizer, [given], 9)
    assert len(cut.input_ids) > 2
    assert cut.truncated == [0]
    learned = [t for target in cut.targets or [] for t in target[target != IGNORED].tolist()]
    assert learned == whole[whole != IGNORED].tolist()


def test_entities_that_end_within_words_are_learned_whole_and_counted(
    tokenizer: Tokenizer,
) -> None:
    given = example("order refund parcel", Span(2, 9, "person"))
    assert TASK.encode(tokenizer, [given], 64).unaligned == 1
    found = answer(tokenizer, given)
    assert found.label == "person: order refund [0:12]"
    # Judged by the characters that were given, not by those that could be learned.
    assert not TASK.right([given], [found]).any()
    encoded = TASK.encode(tokenizer, [given], 64)
    assert metrics(TASK, [given], perfect(TASK, encoded))["f1"] == 0


def test_what_a_text_is_read_with_does_not_show_in_its_logits(tokenizer: Tokenizer) -> None:
    texts = [{"text": "order"}, {"text": "where is my order, Ada? " * 9}, {"text": ""}]
    encoded = TASK.encode(tokenizer, texts, 16)
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(len(ids), len(TAGS))) for ids in encoded.input_ids]
    together = TASK.gather(encoded, rows)
    for number, text in enumerate(texts):
        own = [r for r, owner in zip(rows, encoded.owners, strict=True) if owner == number]
        (alone,) = TASK.gather(TASK.encode(tokenizer, [text], 16), own)
        np.testing.assert_array_equal(alone, together[number])
        assert np.isfinite(alone).all()


@pytest.mark.parametrize(
    ("entities", "reason"),
    [
        ("", "missing_label"),
        ("no such label", "unknown_label"),
        ('[{"start":0,"end":3,"label":"animal"}]', "unknown_label"),
        ('[{"start":0,"end":30,"label":"person"}]', "misplaced_label"),
        ("[" * 100_000, "unknown_label"),
        ("[]", None),
        ('[{"start": 0, "end": 3, "label": "person"}]', None),
    ],
)
def test_reasons_tell_missing_unknown_and_misplaced_entities(
    entities: str, reason: str | None
) -> None:
    assert TASK.reject({"text": "Ada wrote", "entities": entities}) == reason


@pytest.mark.parametrize(
    ("edited", "spans", "same"),
    [
        ("ADA WROTE", [Span(0, 3, "person")], True),
        ("Well, Ada wrote.", [Span(6, 9, "person")], True),
        ("Ada wroet", [Span(0, 3, "person")], True),
        ("Well, Ada wrote.", [Span(0, 4, "person")], False),
        ("Well, Ada wrote.", [], False),
        ("Ada wrote.", [Span(0, 3, "place")], False),
        ("Ada wrote.", [Span(0, 3, "person"), Span(4, 9, "place")], False),
    ],
)
def test_answers_are_the_same_when_their_entities_moved_with_the_text(
    tokenizer: Tokenizer, edited: str, spans: list[Span], same: bool
) -> None:
    before = example("Ada wrote", Span(0, 3, "person"))
    after = example(edited, *spans)
    answers = answer(tokenizer, before), answer(tokenizer, after)
    assert TASK.same(before, after, answers) is same


def test_mistakes_are_counted_by_kind(tokenizer: Tokenizer) -> None:
    text = "Ada of New York met Bob"
    given = example(text, Span(0, 3, "person"), Span(7, 15, "place"), Span(20, 23, "person"))
    said = example(text, Span(0, 3, "place"), Span(11, 15, "place"), Span(16, 19, "place"))
    found = TASK.mistakes([given], [answer(tokenizer, said)])
    assert found == {"boundary": 1, "type": 1, "missed": 1, "spurious": 1}


def test_types_are_counted_apart(tokenizer: Tokenizer) -> None:
    given = example("Ada Bob", Span(0, 3, "person"), Span(4, 7, "person"))
    said = example("Ada Bob", Span(0, 3, "person"), Span(4, 7, "place"))
    person, place = TASK.table([given], [answer(tokenizer, said)])
    assert person == {"label": "person", "precision": 1, "recall": 0.5, "f1": 2 / 3, "rows": 2}
    assert place == {"label": "place", "precision": 0, "recall": None, "f1": 0, "rows": 0}


def test_types_are_a_set() -> None:
    with pytest.raises(ValueError, match="every label must be listed once, found twice: a"):
        Options(kind="ner", labels=("a", "b", "a"), window_overlap=0, mark_capitals=False)
