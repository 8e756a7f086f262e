"""In: answers. Out: scores with intervals, confusion, calibration, and whatever else they tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from components.bootstrap import Question, Spread, answer, together
from components.correlations import CORRELATIONS
from components.errors import TouchstoneError
from components.gate.answers import Answers
from components.gate.calibration import Ask, ask_calibration
from components.gate.evidence import Evidence, Settings
from components.gate.rules import number
from components.gate.statistics import Interval, ask_intervals
from components.inference import Bundle
from components.inference.bundle import GRAPH
from components.leakage import leakage
from components.params import GateParams
from components.seeding import generator

Figures = dict[str, Any]

LINEAGE = ("id", "data", "code", "params", "lock", "encoder")
SEEDS = ("trial", "scores", "mean", "spread")


def ask_scores(params: GateParams, who: Answers) -> Question[Figures]:
    """Ask for every metric of the task, each with its interval."""
    names = who.task.figures
    asked = ask_intervals(
        [(partial(who.task.score, name=name), who.sums) for name in names],
        params.confidence,
        [-1.0 if name in CORRELATIONS else 0.0 for name in names],
    )

    def told(found: Sequence[Spread]) -> Figures:
        return {n: _bounded(each) for n, each in zip(names, asked.told(found), strict=True)}

    return Question(asked.figures, asked.groups, told)


def _bounded(found: Interval) -> Figures:
    return {name: number(getattr(found, name)) for name in ("estimate", "low", "high")}


def ask_error(params: GateParams, settings: Settings, who: Answers) -> Question[Figures]:
    """Ask for the expected calibration error, with its interval and its bins."""
    ask = Ask(settings.bins, params.confidence)
    return ask_calibration(who.predictions, who.right, who.groups, ask)


class Asked:
    """Questions about answers, all of which are answered together."""

    def __init__(self) -> None:
        self._questions: dict[tuple[str, ...], dict[str, Question[Any]]] = {}

    def ask(self, name: str, groups: Sequence[str], question: Question[Any] | None) -> None:
        """Add a question about examples of such groups; None has no answer."""
        if question is not None:
            self._questions.setdefault(tuple(groups), {})[name] = question

    def answers(self, resamples: int, seed: int) -> dict[str, Any]:
        """Return the answers by name; what is asked of the same examples shares its draws.

        Drawing takes most of the time, and one stream of draws serves all of them.
        """
        found: dict[str, Any] = {}
        for questions in self._questions.values():
            drawn = answer(together(list(questions.values())), resamples, generator(seed, "draws"))
            found |= dict(zip(questions, drawn, strict=True))
        return found


def confusion(labels: Sequence[str], who: Answers) -> list[list[int]] | None:
    """Count how often each true label (row) was answered by each label (column), if it can be."""
    return who.task.confusion(who.examples, who.predictions, labels)


def by_label(who: Answers) -> list[dict[str, Any]]:
    """Return precision, recall, F1 and true rows of each label."""
    return who.task.table(who.examples, who.predictions)


def mistakes(who: Answers) -> dict[str, int]:
    """Count the task's own kinds of mistakes by name."""
    return dict(who.task.mistakes(who.examples, who.predictions))


def union(candidate: Sequence[str], champion: Sequence[str]) -> list[str]:
    """Return the candidate's labels in their order, then those that only the champion has."""
    return [*candidate, *(label for label in champion if label not in set(candidate))]


def size(bundle: Bundle) -> int:
    """Return the bytes of a served graph."""
    return (bundle.folder / GRAPH).stat().st_size


def lineage(who: Answers) -> dict[str, str | None]:
    """Return what a bundle was made from; None for what its card does not name."""
    return {name: who.bundle.card.lineage.get(name) for name in LINEAGE}


def seeds(finalists: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what the winner of the search scored with several seeds, or None."""
    listed = (finalists or {}).get("trials")
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and entry.get("trial") == (finalists or {}).get("winner"):
            return {name: entry.get(name) for name in SEEDS}
    return None


def leaks(evidence: Evidence, who: Answers) -> dict[str, Any]:
    """Return which test examples stand in training; counts are None where that cannot be told."""
    try:
        return leakage(who.task, who.examples, evidence.augmented)
    except TouchstoneError:
        names = ("exact", "variants", "children", "near", "near_share")
        return {"rows": len(who.examples), **dict.fromkeys(names), "examples": []}
