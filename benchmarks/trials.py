"""In: the recorded population, and a change. Out: what the gate's own code says of one test set.

Each trial takes two of the retrained models as champion and candidate, plants a change in the
candidate where one is asked for, draws a test set, and hands both to the gate's functions.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, cast

import numpy as np

from benchmarks.population import Population, load, plant, plant_slices
from components.bootstrap import answer
from components.gate import compare
from components.gate.decide import conclusion
from components.gate.figures import ask_scores
from components.gate.luck import Luck, beyond_luck, luck_of
from components.gate.rules import Rule
from components.gate.slices import ask_parts, compare_slices
from components.gate.statistics import Difference, ask_difference
from components.params import GateParams
from components.params.load import load_params
from components.seeding import derive, generator
from components.tasks.base import Array

SEED: Final = 7
RESAMPLES: Final = 1000
PARAMS: Final = Path(__file__).resolve().parents[1] / "params.yaml"
When = Literal["superior", "non_inferior"]
WHEN: Final[tuple[When, ...]] = ("superior", "non_inferior")
# What the gate asks where the search tells how far seeds lie apart.
BEYOND: Final = "superior and beyond_luck"

Kind = Literal["exchanged", "retrained", "planted", "slice", "slices"]


@dataclass(frozen=True)
class Scenario:
    """What is tried.

    Attributes:
        kind: `exchanged`: two retrainings, for each group it is drawn which is the candidate, so
            that neither is better; `retrained`: as they are; `planted`: the true difference is
            `change`; `slice`: in one slice only; `slices`: in all of them.
        rows: of the test set, about.
        change: the true difference; None where nothing is planted.
    """

    kind: Kind
    rows: int
    change: float | None = None


@dataclass
class Outcome:
    """What came of a trial.

    Attributes:
        promoted: per rule, whether the gate's rules on the whole would let the candidate pass;
            `superior` and `non_inferior` are without what is asked beyond a lucky seed.
        held: per rule and change, how often the report says that such a candidate is held.
        covered: per figure, whether its interval holds the truth.
        slices: per judged slice, its rule's state.
        slice_held: per judged slice, how often the report says that a loss there is held.
        planted: the slice with a planted loss.
    """

    promoted: dict[str, bool] = field(default_factory=dict)
    held: dict[tuple[str, float], float] = field(default_factory=dict)
    covered: dict[str, bool] = field(default_factory=dict)
    slices: dict[str, str] = field(default_factory=dict)
    slice_held: dict[str, float] = field(default_factory=dict)
    planted: str = ""


def run(scenario: Scenario, numbers: Iterable[int]) -> list[Outcome]:
    """Return the outcomes of some trials; each depends on its scenario and number alone."""
    return [_trial(scenario, number) for number in numbers]


@functools.cache
def population() -> Population:
    """Return the recorded population, read once per process."""
    return load()


@functools.cache
def params(when: When) -> GateParams:
    """Return the gate's parameters with one of its two rules, and fewer resamples."""
    found = load_params(PARAMS).gate
    return found.model_copy(update={"promote_when": when, "resamples": RESAMPLES})


def _trial(scenario: Scenario, number: int) -> Outcome:
    rng = generator(SEED, "audit", scenario.kind, scenario.rows, scenario.change, number)
    everyone = population()
    candidate, champion = (int(seed) for seed in rng.permutation(len(everyone.answers))[:2])
    out = Outcome()
    new = _candidate(scenario, candidate, champion, number, out)
    drawn = everyone.draw(scenario.rows, rng)
    both = [new[drawn[0]], everyone.answers[champion][drawn[0]]]
    if scenario.kind == "exchanged":
        turned = (rng.random(drawn[1][-1] + 1) < 1 / 2)[drawn[1]]
        both = [np.where(turned, both[1], both[0]), np.where(turned, both[0], both[1])]
    pair = everyone.pair(both[0], both[1], drawn)
    seed = derive(SEED, "gate", number)
    if scenario.kind in {"exchanged", "retrained", "planted"}:
        found = _overall(pair, seed, out)
        if scenario.kind == "retrained":
            _coverage(pair, found, (_truth(candidate), _truth(champion)), out)
    if scenario.kind in {"slice", "slices"} or _reports_slices(scenario):
        _slices(pair, seed, out)
    return out


def _reports_slices(scenario: Scenario) -> bool:
    return scenario.kind == "exchanged" and scenario.rows > len(population().labels) / 2


def _candidate(
    scenario: Scenario, candidate: int, champion: int, number: int, out: Outcome
) -> Array:
    if scenario.change is None:
        return cast(Array, population().answers[candidate])
    if scenario.kind == "planted":
        return _planted(candidate, champion, scenario.change)
    if scenario.kind == "slices":
        return _planted_everywhere(candidate, champion, scenario.change)
    names = list(population().parts())
    out.planted = names[number % len(names)]
    return _planted(candidate, champion, scenario.change, out.planted)


@functools.cache
def _planted(candidate: int, champion: int, change: float, name: str | None = None) -> Array:
    everyone = population()
    rng = generator(SEED, "plant", candidate, champion, change, name)
    rows = None if name is None else everyone.parts()[name]
    new, old = everyone.answers[candidate], everyone.answers[champion]
    return plant(everyone, new, old, change, rng, rows)


@functools.cache
def _planted_everywhere(candidate: int, champion: int, change: float) -> Array:
    everyone = population()
    rng = generator(SEED, "plant", candidate, champion, change)
    return plant_slices(
        everyone, everyone.answers[candidate], everyone.answers[champion], change, rng
    )


def _overall(pair: compare.Pair, seed: int, out: Outcome) -> Difference:
    """Ask the rules on the whole, under both rules of promotion; the comparison is the same."""
    asked = params("superior")
    drawn = answer(compare.ask_pair(asked, pair), asked.resamples, generator(seed, "difference"))
    found = compare.compared(asked, pair, drawn)
    for when in WHEN:
        _ask(when, compare.against(params(when), found), found, out)
    rules = [*compare.against(asked, found), beyond_luck(found.found, _luck(), asked.confidence)]
    _ask(BEYOND, rules, found, out)
    return found.found


def _ask(name: str, rules: list[Rule], found: compare.Compared, out: Outcome) -> None:
    out.promoted[name] = conclusion(rules)["verdict"] == "promote"
    asked, luck = (
        (params("superior"), _luck()) if name == BEYOND else (params(cast(When, name)), None)
    )
    for row in compare.power(asked, found, luck):
        out.held[name, row["change"]] = row["held"]


@functools.cache
def _luck() -> Luck | None:
    """Return the spread as the search would tell it of one finalist trained with these seeds."""
    metric = population().task.metric
    scores = [_truth(seed)[metric] for seed in range(len(population().answers))]
    return luck_of({"trials": [{"trial": 0, "scores": scores}]})


def _coverage(
    pair: compare.Pair,
    metric: Difference,
    truth: tuple[Mapping[str, float], Mapping[str, float]],
    out: Outcome,
) -> None:
    """Look whether each interval of the report holds what is true of all the rows there are."""
    asked = params("superior")
    drawn = answer(ask_scores(asked, pair.candidate), RESAMPLES, generator(SEED, "scores"))
    for name, row in drawn.items():
        bounds = (row["low"] or 0.0, row["high"] or 0.0)
        out.covered[f"{name}, one model"] = bounds[0] <= truth[0][name] <= bounds[1]
    both = (pair.candidate, pair.champion)
    accuracy = answer(
        ask_difference(
            [functools.partial(who.task.score, name="accuracy") for who in both],
            [who.sums for who in both],
            asked.confidence,
        ),
        RESAMPLES,
        generator(SEED, "accuracy"),
    )
    for name, found in ((pair.candidate.task.metric, metric), ("accuracy", accuracy)):
        true = truth[0][name] - truth[1][name]
        out.covered[f"{name}, difference"] = found.low <= true <= found.high


@functools.cache
def _truth(seed: int) -> Mapping[str, float]:
    everyone = population()
    given = everyone.answers[seed]
    right = float(np.mean(given == everyone.labels))
    return {"accuracy": right, everyone.task.metric: everyone.metric(given)}


def _slices(pair: compare.Pair, seed: int, out: Outcome) -> None:
    asked = params("superior")
    question = ask_parts(asked, pair)
    found = answer(question, asked.resamples, generator(seed, "slices")) if question else ()
    _, rules, power = compare_slices(asked, pair, found)
    for rule, row in zip(rules, power, strict=True):
        out.slices[row["where"]] = rule.state
        out.slice_held[row["where"]] = row["held"]
