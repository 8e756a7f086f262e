"""In: a text. Out: the named entities in it, each with its characters, its type and its odds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal, Self, cast

import numpy as np
from pydantic import Field, field_validator
from tokenizers import Tokenizer

from components.arrays import text_of, with_text
from components.capitals import ids_of
from components.counts import span_table
from components.edits.entities import stocked, swapped
from components.paths import best_path, log_softmax, path_score, spans_of, tags_of
from components.shifts import Shift, exactly_shifted
from components.spans import MISTAKES, Span, read_spans, span_mistakes, write_spans
from components.tasks.base import (
    IGNORED,
    Alter,
    Array,
    Encoded,
    Example,
    Loss,
    Prediction,
    Task,
    TaskOptions,
    once,
    share,
)
from components.tasks.whole import Whole
from components.words import Row, aligned, content_of, rows_of

DIGITS: Final = 6
NONE: Final = "(none)"
PLACES: Final = 2
COUNTS: Final = 3  # hits, answered, true


class Options(TaskOptions):
    """Options of named entity recognition."""

    later: ClassVar[Mapping[str, Any]] = {"mark_capitals": False}
    kind: Literal["ner"]
    """The task's file name in components/tasks."""
    labels: Annotated[tuple[str, ...], Field(min_length=1)]
    """The types of entities, exactly as in the data; a row with another type is rejected."""
    window_overlap: Annotated[int, Field(ge=0)]
    """Tokens that neighbouring windows share, at most half of one, where a text is longer; each
    word is answered where it has most context."""
    mark_capitals: bool
    """Whether tokens tell an encoder that reads lower case alone which words have capitals."""

    @classmethod
    def example(cls) -> Self:
        """Return the options of a task with two types."""
        return cls(kind="ner", labels=("person", "place"), window_overlap=16, mark_capitals=False)

    @field_validator("labels")
    @classmethod
    def _unique(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        return once(labels)


class Ner(Whole):
    """Named entity recognition by the classification of each word's first token (IOB2)."""

    answers: tuple[str, ...] = ("label", "score", "entities")
    columns: Mapping[str, str] = {"text": "string", "entities": "string"}
    head = "AutoModelForTokenClassification"
    per_token = True
    points = True
    loss: Loss = "each_token"
    metric = "f1"
    figures: tuple[str, ...] = ("f1", "precision", "recall")

    def __init__(self, options: Options) -> None:
        self.options: TaskOptions = options
        self.labels = options.labels
        tags = [f"{prefix}-{label}" for label in options.labels for prefix in "BI"]
        self.outputs = ("O", *tags)
        self._index = {label: index for index, label in enumerate(options.labels)}
        self._overlap = options.window_overlap
        self._marking = options.mark_capitals

    def reject(self, example: Example) -> str | None:
        """Return why this row cannot be used, or None."""
        entities, text = example.get("entities"), example.get("text")
        if not entities or not isinstance(entities, str):
            return "missing_label"
        try:
            spans = read_spans(entities)
        except (ValueError, RecursionError):
            return "unknown_label"
        if any(span.label not in self._index for span in spans):
            return "unknown_label"
        beyond = isinstance(text, str) and spans and spans[-1].end > len(text)
        return "misplaced_label" if beyond or (spans and spans[0].start < 0) else None

    def tags(self, example: Example) -> Sequence[str]:
        """Return the type of each entity."""
        return [span.label for span in self.marked(example)]

    def marked(self, example: Example) -> list[Span]:
        """Return the entities."""
        return read_spans(example["entities"]) if example.get("entities") else []

    def encode(self, tokenizer: Tokenizer, examples: Sequence[Example], max_length: int) -> Encoded:
        """Tokenize texts, long ones in several rows; targets are the tags of words' first tokens.

        An entity that does not end where words end is learned with the whole words that it
        touches.
        """
        tokenizer.no_truncation()
        tokenizer.no_padding()
        texts = [example["text"] for example in examples]
        encodings = tokenizer.encode_batch(texts)
        rows: list[Row] = []
        owners: list[int] = []
        targets: list[Array] | None = [] if examples and examples[0].get("entities") else None
        marks = ids_of(tokenizer) if self._marking else ()
        unaligned = 0
        for index, (encoding, text) in enumerate(zip(encodings, texts, strict=True)):
            content = content_of(encoding, text, marks)
            own = rows_of(content, max_length, self._overlap)
            rows += own
            owners += [index] * len(own)
            if targets is not None:
                spans, off = aligned(content.words, self.marked(examples[index]))
                tags = tags_of(spans, len(content.words), self._index)
                targets += [np.append(tags, IGNORED)[row.words] for row in own]
                unaligned += off
        ids, places = [row.ids for row in rows], [row.places for row in rows]
        return Encoded(ids, targets, [0] * len(texts), owners, places, texts, unaligned)

    def gather(self, encoded: Encoded, rows: Sequence[Array]) -> list[Array]:
        """Return, per example, (words, outputs + 2 + n): logits, the characters of each, the text.

        The text stands in the last columns as code points, word by word as many as are needed to
        hold all of it: an answer quotes it.
        """
        parts: list[list[Array]] = [[] for _ in encoded.truncated]
        for row, example, places in zip(rows, encoded.owners, encoded.places or [], strict=True):
            kept = places[:, 0] >= 0
            parts[example].append(np.concatenate([row[kept], places[kept]], axis=1))
        found = []
        for part, text in zip(parts, encoded.texts or [], strict=True):
            words = np.concatenate(part)
            order = np.argsort(words[:, -PLACES], kind="stable")
            found.append(with_text(words[order], text))
        return found

    def from_tokens(
        self, targets: Sequence[Array], rows: Sequence[Array]
    ) -> tuple[list[Example], list[Array]]:
        """Return each row as an example of its own, its words numbered instead of placed.

        An entity that two windows share counts in each, as far as it lies there.
        """
        examples: list[Example] = []
        logits = []
        for target, row in zip(targets, rows, strict=True):
            kept = target != IGNORED
            places = np.arange(int(kept.sum()))[:, None] + np.arange(PLACES)
            examples.append({"entities": write_spans(spans_of(target[kept], places, self.labels))})
            logits.append(np.concatenate([row[kept], places], axis=1))
        return examples, logits

    def decode(self, logits: Sequence[Array]) -> list[Prediction]:
        """Return the entities of the best legal sequence of tags.

        Its score is the probability of that whole sequence among all legal ones, words taken as
        independent but for that; an entity's own, that of its words' tags together.
        """
        return [self._answer(row) for row in logits]

    def _read(self, row: Array) -> tuple[Array, Array, Array]:
        """Return an example's best tags, their logarithms of probabilities, and words' places."""
        logs = log_softmax(row[:, : len(self.outputs)])
        path = best_path(logs) if len(logs) else np.zeros(0, dtype=np.int64)
        return path, logs, row[:, len(self.outputs) :][:, :PLACES].astype(np.int64)

    def _answer(self, row: Array) -> Prediction:
        path, logs, places = self._read(row)
        text = text_of(row[:, len(self.outputs) + PLACES :])
        chosen = logs[np.arange(len(path)), path]
        spans = spans_of(path, places, self.labels)
        entities = []
        for span in spans:
            held = (places[:, 0] >= span.start) & (places[:, 1] <= span.end)
            own = round(float(np.exp(chosen[held].sum())), DIGITS)
            quoted = text[span.start : span.end]
            entities.append({**span._asdict(), "text": quoted, "score": own})
        label, score = _told(spans, text), path_score(logs, path)
        value = {"label": label, "score": round(score, DIGITS), "entities": entities}
        return Prediction(label, score, value)

    def truth(self, example: Example) -> str:
        """Return the entities as an answer tells them."""
        return _told(self.marked(example), example["text"])

    def right(self, examples: Sequence[Example], answers: Sequence[Prediction]) -> Array:
        """Return whether each answer has the true entities and no others."""
        pairs = zip(examples, answers, strict=True)
        return np.array([self.marked(e) == _answered(answer) for e, answer in pairs], dtype=bool)

    def same(self, example: Example, edited: Example, answers: Sequence[Prediction]) -> bool:
        """Return whether both answers have the same entities, each where the edit moved it."""
        shift = Shift(example["text"], edited["text"])
        before, after = (_answered(answer) for answer in answers)
        return [span for old in before if (span := shift.near(old))] == after

    def tallies(self, examples: Sequence[Example], logits: Sequence[Array]) -> Array:
        """Return (examples, 3) how many entities were hit, were answered, and are true."""
        found = np.zeros((len(examples), COUNTS))
        for index, (example, row) in enumerate(zip(examples, logits, strict=True)):
            path, _, places = self._read(row)
            answered, true = spans_of(path, places, self.labels), self.marked(example)
            found[index] = len(set(answered) & set(true)), len(answered), len(true)
        return found

    def score(self, tallies: Array, name: str | None = None) -> Array:
        """Return F1, precision or recall over all entities, both ends and the type being right.

        Where none was answered, or none is true, precision or recall is 0, as with seqeval.
        """
        hits, answered, true = np.moveaxis(tallies, -1, 0)
        whole = {"precision": answered, "recall": true}.get(name or self.metric)
        if whole is None:
            return share(2 * hits, answered + true)
        return np.where(answered + true > 0, hits / np.maximum(whole, 1), np.nan)

    def table(
        self, examples: Sequence[Example], answers: Sequence[Prediction]
    ) -> list[dict[str, Any]]:
        """Return precision, recall, F1 and the number of true entities of each type."""
        return span_table(self.labels, map(self.marked, examples), map(_answered, answers))

    def mistakes(
        self, examples: Sequence[Example], answers: Sequence[Prediction]
    ) -> Mapping[str, int]:
        """Count wrong bounds, wrong types, missed and spurious entities."""
        total = Counter(dict.fromkeys(MISTAKES, 0))
        for example, answer in zip(examples, answers, strict=True):
            total.update(span_mistakes(self.marked(example), _answered(answer)))
        return total

    def edited(self, example: Example, text: str) -> dict[str, Any]:
        """Return the example with another text, its entities moved with their words.

        It is returned as it is where an edit leaves open where an entity begins or ends.
        """
        if not example.get("entities"):
            return {**example, "text": text}
        moved = exactly_shifted(self.marked(example), example["text"], text)
        if moved is None:
            return dict(example)
        return {**example, "text": text, "entities": write_spans(moved)}

    def kept(self, example: Example) -> Sequence[tuple[int, int]]:
        """Return the entities."""
        return [span[:2] for span in self.marked(example)]

    def edits(self, rows: Sequence[Example]) -> Mapping[str, Alter]:
        """Return the one that puts other entities of their types in the place of some."""
        stock = stocked((row["text"], self.marked(row)) for row in rows)

        def entity(example: Example, rng: np.random.Generator) -> dict[str, Any] | None:
            found = swapped(example["text"], self.marked(example), stock, rng)
            return found and {**example, "text": found[0], "entities": write_spans(found[1])}

        return {"entity": entity}

    def samples(self) -> Sequence[Example]:
        """Return two labelled texts of different lengths, so many types as there are."""
        first, last = self.labels[0], self.labels[-1]
        return (
            {"text": "Ada Lovelace wrote it.", "entities": write_spans([Span(0, 12, first)])},
            {
                "text": "Please send the parcel to Grace Hopper in New York, not to me.",
                "entities": write_spans([Span(26, 38, first), Span(42, 50, last)]),
            },
        )


def _answered(answer: Prediction) -> list[Span]:
    return [Span(e["start"], e["end"], e["label"]) for e in answer.value["entities"]]


def _told(spans: Sequence[Span], text: str) -> str:
    """Return an answer as text: canonical, since spans stand in their order."""
    told = [f"{s.label}: {text[s.start : s.end]} [{s.start}:{s.end}]" for s in spans]
    return "; ".join(told) or NONE


def build(options: TaskOptions) -> Task:
    """Return the task for these options."""
    return Ner(cast(Options, options))
