"""In: a question and a context. Out: the part of the context that answers it, or that none does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self, cast

import numpy as np
from pydantic import Field, model_validator
from tokenizers import Tokenizer

from components.answering import Gold, canonical, exact, fits, gold, overlap, repeated
from components.edits.contexts import rearranged
from components.tasks.base import (
    Alter,
    Array,
    Encoded,
    Example,
    Loss,
    Prediction,
    Task,
    TaskOptions,
    predictions,
    share,
)
from components.tasks.whole import Whole
from components.windows import Limits, merged, pair_windows

DIGITS: Final = 6
NOTHING: Final = "(no answer)"
# Of the made-up words that stand for tokens where no text is: as wide as 8192 tokens need.
WIDTH: Final = 4


class Options(TaskOptions):
    """Options of extractive question answering."""

    kind: Literal["qa"]
    """The task's file name in components/tasks."""
    max_answer_tokens: Annotated[int, Field(ge=1, le=512)]
    """Longer answers are not given."""
    max_question_tokens: Annotated[int, Field(ge=1)]
    """Longer questions are cut; what they leave of a row is the context's."""
    window_overlap: Annotated[int, Field(ge=0)]
    """Tokens that neighbouring windows of a long context share; at most half a window."""
    no_answer: bool
    """Whether a context may hold no answer, which the data write as `[]`."""
    threshold: float | None
    """By how much "no answer" must outweigh the best answer, in logits; null: tuned if need be."""

    @classmethod
    def example(cls) -> Self:
        """Return the options of a task that knows questions without an answer."""
        return cls(
            kind="qa",
            max_answer_tokens=16,
            max_question_tokens=16,
            window_overlap=4,
            no_answer=True,
            threshold=None,
        )

    @model_validator(mode="after")
    def _needed(self) -> Self:
        if self.threshold is not None and not self.no_answer:
            raise ValueError("threshold must be null where no_answer is false")
        return self


class QuestionAnswering(Whole):
    """Extractive question answering.

    An example's logits are (1 + context tokens, 4), the first row for "no answer": start logit, end
    logit, and the characters of the context from where to where the token stands.
    """

    answers: tuple[str, ...] = ("label", "score", "text", "start", "end")
    columns: Mapping[str, str] = {"question": "string", "context": "string", "answers": "string"}
    inputs = ("question", "context")
    # The weights of a question answering head, and its two outputs in one array.
    head = "AutoModelForTokenClassification"
    per_token = True
    labels: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ("start", "end")
    loss: Loss = "span"
    metric = "f1"
    figures: tuple[str, ...] = ("exact_match", "f1")

    def __init__(self, options: Options) -> None:
        self.options: Options = options

    def reject(self, example: Example) -> str | None:
        """Return why this row cannot be used, or None."""
        given = example.get("answers")
        if not given or (given == "[]" and not self.options.no_answer):
            return "missing_label"
        texts = [example.get(name) for name in self.inputs]
        if not all(isinstance(text, str) and text.strip() for text in texts):
            return "empty_text"
        return None if fits(given, str(texts[1])) else "unknown_label"

    def encode(self, tokenizer: Tokenizer, examples: Sequence[Example], max_length: int) -> Encoded:
        """Tokenize questions with windows of their contexts; targets are places in the row.

        Of several right answers the first is learned. A window that lacks some of it has both
        targets at 0, as in BERT's recipe (arXiv:1810.04805, section 4.3, and its run_squad.py).
        """
        options = self.options
        pairs = [(example["question"], example["context"]) for example in examples]
        limits = Limits(max_length, options.max_question_tokens, options.window_overlap)
        rows, truncated = pair_windows(tokenizer, pairs, limits)
        labelled = bool(examples) and examples[0].get("answers") is not None
        right = [gold(example["answers"]) for example in examples] if labelled else []
        return Encoded(
            input_ids=[row.ids for row in rows],
            targets=[_target(right[row.owner], row.places) for row in rows] if labelled else None,
            truncated=truncated,
            owners=[row.owner for row in rows],
            places=[row.places for row in rows],
        )

    def gather(self, encoded: Encoded, rows: Sequence[Array]) -> list[Array]:
        """Return, per example, (1 + context tokens, 4), each token from its best window."""
        windows: list[list[tuple[Array, Array]]] = [[] for _ in encoded.truncated]
        for owner, places, row in zip(encoded.owners, encoded.places or (), rows, strict=True):
            windows[owner].append((places, row))
        return [merged(parts, self.options.window_overlap) for parts in windows]

    def from_tokens(
        self, targets: Sequence[Array], rows: Sequence[Array]
    ) -> tuple[list[Example], list[Array]]:
        """Return one example per window, each token a made-up word of its own.

        An answer may lie in the question, which is not told apart: figures are a little low. A
        window without the answer is a question that has none, or left out where all have one.
        """
        examples: list[Example] = []
        logits: list[Array] = []
        longest = max((len(row) for row in rows), default=0)
        context = " ".join(f"{word:0{WIDTH}d}" for word in range(longest))
        starts = np.arange(longest) * (WIDTH + 1)
        for target, row in zip(targets, rows, strict=True):
            first, last = (int(place) for place in target)
            if not (first or self.options.no_answer):
                continue
            span = [(int(starts[first]), context[starts[first] : starts[last] + WIDTH])]
            answers = canonical(span if first else [])
            examples.append({"question": "", "context": context, "answers": answers})
            at = starts[: len(row), None]
            logits.append(np.concatenate([row, at, at + WIDTH], axis=1))
        return examples, logits

    def decode(self, logits: Sequence[Array]) -> list[Prediction]:
        """Turn logits into the best span, named by its characters; `told` puts in its text."""
        return [self._answer(array) for array in logits]

    def told(self, example: Example, answer: Prediction) -> Prediction:
        """Return the answer with its text, cut from the context."""
        if answer.label == NOTHING:
            return answer
        text = example["context"][answer.value["start"] : answer.value["end"]]
        return Prediction(text, answer.score, {**answer.value, "label": text, "text": text})

    def _answer(self, array: Array) -> Prediction:
        """Return the best answer; its score is the softmax over all that could be given."""
        logits = array[:, :2].astype(np.float64)
        spans, nothing = self._spans(logits[1:]), float(logits[0].sum())
        best = float(spans.max(initial=-np.inf))
        margin = self.options.threshold or 0.0
        none = not spans.size or (self.options.no_answer and nothing - best > margin)
        # "No answer" takes part where it may be given, or nothing else can be.
        rival = nothing if self.options.no_answer or not spans.size else -np.inf
        top = max(best, rival)
        mass = float(np.exp(spans - top).sum()) + float(np.exp(rival - top))
        score = float(np.exp((nothing if none else best) - top)) / mass
        start = end = -1
        if not none:
            first, more = divmod(int(spans.argmax()), spans.shape[1])
            start, end = int(array[1 + first, 2]), int(array[1 + first + more, 3])
        label = NOTHING if none else f"[{start}:{end}]"
        told = {"label": label, "score": round(score, DIGITS), "text": ""}
        return Prediction(label, score, {**told, "start": start, "end": end})

    def _spans(self, logits: Array) -> Array:
        """Return (starts, lengths) the sum of start and end logit; -inf past the last token."""
        length = min(self.options.max_answer_tokens, len(logits))
        if not length:
            return np.zeros((0, 0))
        ends = np.concatenate([logits[:, 1], np.full(length - 1, -np.inf)])
        spans: Array = logits[:, :1] + np.lib.stride_tricks.sliding_window_view(ends, length)
        return spans

    def truth(self, example: Example) -> str:
        """Return the text of the first right answer."""
        right = gold(example["answers"])
        return right[0][1] if right else NOTHING

    def right(self, examples: Sequence[Example], answers: Sequence[Prediction]) -> Array:
        """Return whether each answer is one of the right ones, normalised as SQuAD does."""
        each = [_scores(*pair)[0] == 1 for pair in zip(examples, answers, strict=True)]
        return np.array(each, dtype=bool)

    def same(self, example: Example, edited: Example, answers: Sequence[Prediction]) -> bool:
        """Return whether two answers are the same but for what SQuAD's normalisation takes away."""
        one, other = (answer.value["text"] for answer in answers)
        return exact(one, other) and bool(one) == bool(other)

    def tallies(self, examples: Sequence[Example], logits: Sequence[Array]) -> Array:
        """Return (examples, 3): exact match, F1, and 1."""
        answers = predictions(self, examples, logits)
        pairs = zip(examples, answers, strict=True)
        return np.array([(*_scores(*pair), 1.0) for pair in pairs]).reshape(-1, 3)

    def score(self, tallies: Array, name: str | None = None) -> Array:
        """Return the share of exact matches, or the mean F1."""
        return share(tallies[..., self.figures.index(name or self.metric)], tallies[..., 2])

    @property
    def tunes(self) -> bool:  # type: ignore[override]
        """Whether the threshold is to be set."""
        return self.options.no_answer and self.options.threshold is None

    def tuned(self, targets: Sequence[Array], rows: Sequence[Array]) -> TaskOptions:
        """Return the options with the threshold that gives the windows the highest F1."""
        examples, logits = self.from_tokens(targets, rows)
        always = QuestionAnswering(self.options.model_copy(update={"no_answer": False}))
        given = always.tallies(examples, logits)[:, 1]
        refused = np.array([not gold(example["answers"]) for example in examples], dtype=float)
        margins = np.array([a[0, :2].sum() - self._spans(a[1:, :2]).max() for a in logits])
        order = np.argsort(margins, kind="stable")
        gains = np.cumsum(np.concatenate([[0.0], (given - refused)[order]]))
        edges = np.concatenate([margins[order][:1] - 1, margins[order], margins[order][-1:] + 1])
        at = int(gains.argmax())
        return self.options.model_copy(
            update={"threshold": round(float(edges[at] + edges[at + 1]) / 2, DIGITS)}
        )

    def editable(self, example: Example) -> str:
        """Return the question: an edit of the context would move or change the answers."""
        return cast(str, example["question"])

    def edited(self, example: Example, text: str) -> dict[str, Any]:
        """Return the example with another question."""
        return {**example, "question": text}

    def content(self, example: Example) -> str:
        """Return question and context, since a paragraph that was read is no news."""
        return f"{example['question']}\n{example['context']}"

    def kept(self, example: Example) -> Sequence[tuple[int, int]]:
        """Return where words of the answers stand in the question."""
        return repeated(example["question"], gold(example["answers"]))

    def edits(self, rows: Sequence[Example]) -> Mapping[str, Alter]:
        """Return the one that leaves out or moves sentences that hold no answer."""

        def context(example: Example, rng: np.random.Generator) -> dict[str, Any] | None:
            found = rearranged(example["context"], gold(example["answers"]), rng)
            return found and {**example, "context": found[0], "answers": canonical(found[1])}

        return {"context": context}

    def samples(self) -> Sequence[Example]:
        """Return two questions whose answers stand in their contexts."""
        return (
            {
                "question": "Where is it?",
                "context": "My parcel is in Reykjavik.",
                "answers": canonical([(16, "Reykjavik")]),
            },
            {
                "question": "What was charged twice?",
                "context": "Hello. I was charged twice for one order, please help me.",
                "answers": canonical([(31, "one order"), (35, "order")]),
            },
        )


def _target(right: Gold, places: Array) -> Array:
    """Return (2,) the first answer's first and last token in a row, 0 where it is not all there."""
    if not right:
        return np.zeros(2, dtype=np.int64)
    start, end = right[0][0], right[0][0] + len(right[0][1])
    within = (places[:, 0] >= 0) & (places[:, 1] > start) & (places[:, 0] < end)
    tokens = np.flatnonzero(within)
    whole = len(tokens) and places[tokens[0], 0] <= start and places[tokens[-1], 1] >= end
    return np.array([tokens[0], tokens[-1]] if whole else [0, 0], dtype=np.int64)


def _scores(example: Example, answer: Prediction) -> tuple[float, float]:
    """Return exact match and F1 of an answer, the best over the right ones."""
    texts = [text for _, text in gold(example["answers"])] or [""]
    given = answer.value["text"]
    return max(float(exact(given, text)) for text in texts), max(overlap(given, t) for t in texts)


def build(options: TaskOptions) -> Task:
    """Return the task for these options."""
    return QuestionAnswering(cast(Options, options))
