"""In: bundles and test examples. Out: what they answer, predicted here and now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

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
        predictor: who answered.
        examples: what was asked.
        logits: per example.
        predictions: per example.
        right: (examples,) whether the answer is right.
    """

    predictor: Predictor
    examples: list[Example]
    logits: list[Array]
    predictions: list[Prediction]
    right: Array

    @property
    def bundle(self) -> Bundle:
        """The bundle that answered."""
        return self.predictor.bundle

    @property
    def task(self) -> Task:
        """The task as that bundle knows it."""
        return self.predictor.bundle.task

    @property
    def groups(self) -> list[str]:
        """Per example, what it must not be told apart from by chance."""
        return [str(example[GROUP]) for example in self.examples]

    @property
    def metrics(self) -> dict[str, float]:
        """The task's, over these examples."""
        return metrics(self.task, self.examples, self.logits)

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
    """

    trained: Answers
    onnx: Answers
    int8: Answers
    dependent: int
    parity: dict[str, Any]

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
    return _answers(predictor, examples, predictor.logits(examples, batch_size))


def ask_candidate(evidence: Evidence, settings: Settings, examples: list[Example]) -> Candidate:
    """Let all artifacts of the candidate answer the test examples.

    Only the served graph is asked three times, to see whether its answers depend on the batch.

    Raises:
        DataError: an example has a label that the candidate does not know.
        IntegrityError: a file of a bundle was altered, or a logit is not finite.
    """
    size, bundles = settings.batch_size, evidence.bundles
    served = load_predictor(bundles.int8)
    _know(served, examples)
    thrice = answer_thrice(served, examples, size)
    trained = ask(load_predictor(bundles.trained), examples, size)
    onnx = ask(load_predictor(bundles.onnx), examples, size)
    return Candidate(
        trained=trained,
        onnx=onnx,
        int8=_answers(served, examples, thrice.logits),
        dependent=len(thrice.dependent),
        parity=_parity(trained, onnx, thrice, axis(served.bundle.task)),
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


def _answers(predictor: Predictor, examples: list[Example], logits: list[Array]) -> Answers:
    task = predictor.bundle.task
    found = predictions(task, examples, logits)
    return Answers(predictor, examples, logits, found, task.right(examples, found))


def axis(task: Task) -> tuple[str, ...]:
    """Return what a logit stands for; a task without outputs ranks its labels."""
    return task.outputs or task.labels


def _parity(
    trained: Answers, onnx: Answers, served: Answered, meaning: tuple[str, ...]
) -> dict[str, Any]:
    """Compare the graphs with torch; logits of other labels cannot be compared."""
    graphs = {"onnx": Answered(onnx.logits, [], []), "int8": served}
    if len({meaning, axis(trained.task), axis(onnx.task)}) > 1:
        return {"rows": len(trained.examples), "artifacts": {}, "flips": []}
    found = compare_artifacts(trained.task, trained.logits, graphs, trained.examples)
    found["artifacts"]["onnx"]["batch_dependent"] = None  # not asked
    return found
