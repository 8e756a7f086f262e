"""In: nothing. Out: what every task file provides, in the order in which it provides it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np
from pydantic import BaseModel, ConfigDict
from tokenizers import Tokenizer

from components.arrays import Array, collate, cut_tokens, pad, share, softmax
from components.spans import Span

__all__ = ["Array", "collate", "cut_tokens", "pad", "share", "softmax"]

Example = Mapping[str, Any]

# What an edit makes of an example, such as its random stream has it; None: nothing can be changed.
Alter = Callable[[Example, np.random.Generator], dict[str, Any] | None]

# How targets are learned: the name of a function of components/training/loss.py.
Loss = Literal["one_label", "label_or_none", "many_labels", "each_token", "span", "value", "match"]

IGNORED = -100  # the target that is not learned from, as in torch's cross entropy


def once(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return labels of which none stands twice, or raise ValueError."""
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise ValueError(f"every label must be listed once, found twice: {', '.join(twice)}")
    return labels


class TaskOptions(BaseModel):
    """Options of a task: the `task` section of params.yaml."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )

    later: ClassVar[Mapping[str, Any]] = {}
    """Options that came later, and what each is where it is off: what is stored lacks those."""

    kind: str
    """The task's file name in components/tasks."""

    @classmethod
    def example(cls) -> Self:
        """Return small valid options: contract tests and API docs use them."""
        raise NotImplementedError(f"{cls.__module__} gives no example of its options")

    def stored(self) -> dict[str, Any]:
        """Return them as bundles and keys hold them; what is new and off leaves digests alone."""
        off = {name for name, value in self.later.items() if getattr(self, name) == value}
        return self.model_dump(mode="json", exclude=off)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Return stored options, also of bundles that lack what is new, or raise as pydantic."""
        return cls.model_validate_json(json.dumps({**cls.later, **stored}))


@dataclass(frozen=True)
class Encoded:
    """Tokenized examples: rows of token ids, one per example, or several where it is long.

    Attributes:
        input_ids: per row, its token ids with special tokens, at most `max_length` of them.
        targets: per row, what the head learns: an array of one shape for all rows, (...), or, for
            a task whose head answers each token, (tokens,). None when the examples carry no labels.
        truncated: per example, how many tokens did not fit.
        owners: per row, the number of its example; rows of one example follow one another.
        places: per row, (tokens, 2) from where to where each token's answer counts in the text,
            -1 where it does not. None: the row is answered as a whole.
        texts: per example, its text, where an answer quotes it; else None.
        unaligned: labels that lie in the text, and do not end where its words end.
    """

    input_ids: list[list[int]]
    targets: list[Array] | None
    truncated: list[int]
    owners: list[int]
    places: list[Array] | None = None
    texts: list[str] | None = None
    unaligned: int = 0


@dataclass(frozen=True, eq=False)
class Prediction:
    """One answer in the user's terms.

    Attributes:
        label: the answer as text; two answers are the same when these are.
        score: its probability, in [0, 1].
        told: what `value` is, or what makes it: ten thousand answers of 77 labels are judged
            without anybody reading three quarters of a million probabilities.
    """

    label: str
    score: float
    told: Mapping[str, Any] | Callable[[], Mapping[str, Any]]

    @cached_property
    def value(self) -> Mapping[str, Any]:
        """The answer as JSON values, `label` and `score` among them."""
        return self.told() if callable(self.told) else self.told

    def __eq__(self, other: object) -> bool:
        """Return whether the other says the same, however it was made."""
        if not isinstance(other, Prediction):
            return NotImplemented
        own, others = (self.label, self.score), (other.label, other.score)
        return own == others and self.value == other.value

    def __hash__(self) -> int:
        """Return a number that answers have in common that say the same."""
        return hash((self.label, self.score))


class Task(Protocol):
    """What differs between tasks; numpy and tokenizers only, so that serving needs no torch."""

    @property
    def options(self) -> TaskOptions:
        """The options that made this task, which the bundle carries."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The label names; empty where answers are no labels."""

    @property
    def columns(self) -> Mapping[str, str]:
        """The columns that an example must have, as name to Arrow type alias."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Those of the columns that a request holds."""

    @property
    def answers(self) -> tuple[str, ...]:
        """The fields of every answer's value, `label` and `score` first."""

    @property
    def head(self) -> str:
        """The name of the transformers auto class."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the last axis of the head's output stands for, in its order."""

    @property
    def per_token(self) -> bool:
        """Whether the head answers each token, (batch, length, outputs), or (batch, outputs)."""

    @property
    def points(self) -> bool:
        """Whether the label points into the text, so that an edit of the text moves it."""

    @property
    def loss(self) -> Loss:
        """How targets are learned."""

    @property
    def metric(self) -> str:
        """The name of the metric that search maximizes and the gate compares, in [0, 1]."""

    @property
    def figures(self) -> tuple[str, ...]:
        """The names of all metrics, the most telling first; floors may be asked of each."""

    def reject(self, example: Example) -> str | None:
        """Return why this row cannot be used ("unknown_label"), or None; never raises."""

    def renamed(self, field: str, value: str, table: Mapping[str, str]) -> str:
        """Return what a column's written value stands for; what the table lacks stays as it is."""

    def tags(self, example: Example) -> Sequence[str]:
        """Return the labels that stand in an example, to be counted; none where there are none."""

    def marked(self, example: Example) -> Sequence[Span]:
        """Return the labelled parts of an example's content; none where labels belong to all."""

    def encode(self, tokenizer: Tokenizer, examples: Sequence[Example], max_length: int) -> Encoded:
        """Tokenize examples; targets are present only when the examples carry labels."""

    def collate(
        self, input_ids: Sequence[Sequence[int]], pad_id: int, length: int
    ) -> Mapping[str, Array]:
        """Pad to (batch, length) and add the attention mask: the graph's inputs by name."""

    def gather(self, encoded: Encoded, rows: Sequence[Array]) -> list[Array]:
        """Return, per example, what its rows answer together; `logits` below are these."""

    def from_tokens(
        self, targets: Sequence[Array], rows: Sequence[Array]
    ) -> tuple[list[Example], list[Array]]:
        """Return from rows' targets and logits examples and logits to score where no text is."""

    def decode(self, logits: Sequence[Array]) -> list[Prediction]:
        """Turn each example's logits into an answer; numpy only."""

    def told(self, example: Example, answer: Prediction) -> Prediction:
        """Return a decoded answer with what only its example tells, such as the text of a span."""

    def truth(self, example: Example) -> str:
        """Return the right answer as text, or the first of several."""

    def right(self, examples: Sequence[Example], answers: Sequence[Prediction]) -> Array:
        """Return (examples,) whether each answer is right."""

    def same(self, example: Example, edited: Example, answers: Sequence[Prediction]) -> bool:
        """Return whether two answers, to an example and to its edited form, are the same."""

    def tallies(self, examples: Sequence[Example], logits: Sequence[Array]) -> Array:
        """Return (examples, tallies) counts that `score` takes the sum of, over any examples."""

    def score(self, tallies: Array, name: str | None = None) -> Array:
        """Return a metric, (...), of summed tallies, (..., tallies); NaN where there is nothing."""

    def table(
        self, examples: Sequence[Example], answers: Sequence[Prediction]
    ) -> list[dict[str, Any]]:
        """Return label, precision, recall, F1 and true rows of each label; None where unknown."""

    def confusion(
        self, examples: Sequence[Example], answers: Sequence[Prediction], labels: Sequence[str]
    ) -> list[list[int]] | None:
        """Count how often each true label (row) was answered by each (column), if it has one."""

    def mistakes(
        self, examples: Sequence[Example], answers: Sequence[Prediction]
    ) -> Mapping[str, int]:
        """Count the task's own kinds of mistakes by name; none where it knows but one kind."""

    @property
    def tunes(self) -> bool:
        """Whether options are left that `tuned` sets."""

    def tuned(self, targets: Sequence[Array], rows: Sequence[Array]) -> TaskOptions:
        """Return the options with what validation rows' logits set, such as thresholds."""

    def editable(self, example: Example) -> str:
        """Return the text that augmentation may alter without touching the label."""

    def edited(self, example: Example, text: str) -> dict[str, Any]:
        """Return the example with that text replaced and its label kept.

        Where the label points into the text, it moves with its words; an example whose label the
        edit makes unsure is returned as it is.
        """

    def kept(self, example: Example) -> Sequence[tuple[int, int]]:
        """Return from where to where words of the editable text reach that none may replace."""

    def edits(self, rows: Sequence[Example]) -> Mapping[str, Alter]:
        """Return the edits that only such a task has, by name; they keep the label right.

        They draw from `rows`, which are all of training.
        """

    def content(self, example: Example) -> str:
        """Return all that a request says: two examples with the same are the same question."""

    def samples(self) -> Sequence[Example]:
        """Return two labelled examples: contract tests, dummy inputs and API docs use them."""


def predictions(
    task: Task, examples: Sequence[Example], logits: Sequence[Array]
) -> list[Prediction]:
    """Return each example's answer, in its own words; labels may be absent."""
    return [task.told(*pair) for pair in zip(examples, task.decode(logits), strict=True)]


def metrics(task: Task, examples: Sequence[Example], logits: Sequence[Array]) -> dict[str, float]:
    """Score logits against the examples' labels: every figure of the task, none left out."""
    return scores(task, task.tallies(examples, logits))


def scores(task: Task, tallies: Array) -> dict[str, float]:
    """Return every figure of the task from (examples, tallies)."""
    total = tallies.sum(axis=0)
    return {name: float(task.score(total, name)) for name in task.figures}


def bare(task: Task, example: Example) -> dict[str, Any]:
    """Return an example as a request holds it, without its label."""
    return {name: example[name] for name in task.inputs}


def said(task: Task, example: Example) -> str:
    """Return the content of an example that may lack some or all of it."""
    if all(map(example.get, task.inputs)):
        return task.content(example)
    return task.content({name: example.get(name) or "" for name in task.inputs})
