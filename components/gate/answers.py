"""In: bundles and test examples. Out: what they answer, predicted here and now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from components.bootstrap import by_group
from components.errors import DataError
from components.gate.evidence import Evidence, Settings
from components.inference import Bundle, Predictor, load_predictor
from components.inference.parity import Answered
from components.inference.parity import answer as answer_thrice
from components.inference.parity import compare as compare_artifacts
from components.schema import GROUP
from components.tasks.base import Array, Example, Prediction, Task, metrics, predictions

LISTED: Final = 20


@dataclass(frozen=True)
class Answers:
    """A bundle's answers to examples.

    Attributes:
        bundle: that answered; its model is not kept in memory.
        examples: what was asked.
        logits: per example.
        predictions: per example.
        right: (examples,) whether the answer is right.
    """

    bundle: Bundle
    examples: list[Example]
    logits: list[Array]
    predictions: list[Prediction]
    right: Array

    @property
    def task(self) -> Task:
        """The task as that bundle knows it."""
        return self.bundle.task

    @property
    def groups(self) -> list[str]:
        """Per example, what it must not be told apart from by chance."""
        return [str(example[GROUP]) for example in self.examples]

    @cached_property
    def tallies(self) -> Array:
        """(examples, tallies) what the task's scores are scores of."""
        return self.task.tallies(self.examples, self.logits)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """The task's, over these examples."""
        return metrics(self.task, self.examples, self.logits)

    @cached_property
    def sums(self) -> Array:
        """(groups, tallies) the same by group."""
        return by_group(self.tallies, self.groups)

    def of(self, rows: Sequence[int]) -> Answers:
        """Return the answers to some of the examples."""
        return replace(
            self,
            examples=[self.examples[row] for row in rows],
            logits=[self.logits[row] for row in rows],
            predictions=[self.predictions[row] for row in rows],
            right=self.right[list(rows)],
        )


@dataclass(frozen=True)
class Candidate:
    """The answers of all three artifacts, and how they part.

    Attributes:
        trained: torch's.
        onnx: of the graph in fp32.
        int8: of the bundle that would be served.
        dependent: answers of the served graph that depend on batch or padding.
        parity: the graphs against torch, as the verdict tells it.
        served: the served graph, ready to be asked more.
    """

    trained: Answers
    onnx: Answers
    int8: Answers
    dependent: int
    parity: dict[str, Any]
    served: Predictor

    def each(self) -> dict[str, Answers]:
        """Return the answers by artifact."""
        return {"trained": self.trained, "onnx": self.onnx, "int8": self.int8}


def ask(predictor: Predictor, examples: list[Example], batch_size: int) -> Answers:
    """Let a bundle answer examples, all of whose labels it must know.

    Raises:
        DataError: an example has a label that the bundle does not know.
        IntegrityError: a logit is not finite.
    """
    _know(predictor, examples)
    logits = predictor.logits(examples, batch_size)
    answers = predictions(predictor.bundle.task, examples, logits)
    return _answers(predictor, examples, logits, answers)


def ask_candidate(evidence: Evidence, settings: Settings, examples: list[Example]) -> Candidate:
    """Let all artifacts of the candidate answer the test examples.

    Each is asked three times, in a batch, alone, and padded further: where the served graph's
    answers depend on the batch, this tells whether they did so before.

    Raises:
        DataError: an example has a label that the candidate does not know.
        IntegrityError: a file of a bundle was altered, or a logit is not finite.
    """
    size, bundles = settings.batch_size, evidence.bundles
    found: dict[str, Answers] = {}
    thrice: dict[str, Answered] = {}
    folders = {"trained": bundles.trained, "onnx": bundles.onnx, "int8": bundles.int8}
    for name, folder in folders.items():
        predictor = load_predictor(folder)
        _know(predictor, examples)
        thrice[name] = answer_thrice(predictor, examples, size)
        found[name] = _answers(predictor, examples, thrice[name].logits, thrice[name].answers)
    return Candidate(
        **found,
        dependent=len(thrice["int8"].dependent),
        parity=_parity(found, thrice),
        served=predictor,
    )


def disagreements(candidate: Answers, champion: Answers) -> list[dict[str, Any]]:
    """Return examples that the two answer differently: broken ones first, then fixed, then others.

    At most 20 of each kind, the ones that the candidate is surest of.
    """
    kinds: dict[str, list[tuple[float, dict[str, Any]]]] = {"broken": [], "fixed": [], "other": []}
    for index, example in enumerate(candidate.examples):
        new, old = candidate.predictions[index], champion.predictions[index]
        if new.label == old.label:
            continue
        kind = {(False, True): "broken", (True, False): "fixed"}.get(
            (bool(candidate.right[index]), bool(champion.right[index])), "other"
        )
        row = {
            "id": example["id"],
            "kind": kind,
            "text": candidate.task.content(example),
            "label": candidate.task.truth(example),
            "candidate": new.label,
            "champion": old.label,
        }
        kinds[kind].append((-new.score, row))
    return [row for rows in kinds.values() for _, row in sorted(rows, key=lambda r: r[0])[:LISTED]]


def _know(predictor: Predictor, examples: list[Example]) -> None:
    for example in examples:
        if reason := predictor.bundle.task.reject(example):
            raise DataError(
                f"test example {example['id']}: {reason}: {predictor.bundle.folder} cannot be "
                "judged on it",
                "run `dvc repro`: examples and bundle are of different runs",
            )


def _answers(
    predictor: Predictor, examples: list[Example], logits: list[Array], found: list[Prediction]
) -> Answers:
    right = predictor.bundle.task.right(examples, found)
    return Answers(predictor.bundle, examples, logits, found, right)


def axis(task: Task) -> tuple[str, ...]:
    """Return what a logit stands for; a task without outputs ranks its labels."""
    return task.outputs or task.labels


def _parity(found: Mapping[str, Answers], thrice: Mapping[str, Answered]) -> dict[str, Any]:
    """Compare each artifact with torch; logits of other labels cannot be compared."""
    trained = found["trained"]
    if len({axis(who.task) for who in found.values()}) > 1:
        return {"rows": len(trained.examples), "artifacts": {}, "flips": []}
    return compare_artifacts(trained.task, trained.logits, thrice, trained.examples)
