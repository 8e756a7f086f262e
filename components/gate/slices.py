"""In: answers, and the slice columns of the examples. Out: a row for each slice, and its rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from components.bootstrap import Question
from components.gate.answers import Answers
from components.gate.catalogue import SLICE
from components.gate.compare import Pair
from components.gate.power import Measured, held, needed, too_few
from components.gate.rules import Rule, State, number
from components.gate.statistics import SliceDifference, ask_slices, slices_of
from components.gate.words import figure as told
from components.params import GateParams
from components.schema import SLICE_PREFIX
from components.tasks.base import Example

MISSING: Final = "(missing)"
# The loss in one slice that a reader wants to know the gate's chances for.
LOSS: Final = -0.10


@dataclass(frozen=True)
class Part:
    """The examples with one value of one slice column.

    Attributes:
        column: the user's name of it.
        value: that they share.
        rows: which of the examples they are.
    """

    column: str
    value: str
    rows: list[int]

    @property
    def name(self) -> str:
        """The name of the rule on it."""
        return f"{SLICE}{self.column}={self.value}"


def parts_of(examples: Sequence[Example]) -> list[Part]:
    """Return the slices of some examples, by column and value."""
    members: dict[tuple[str, str], list[int]] = {}
    named = examples[0] if examples else {}
    columns = sorted(name for name in named if name.startswith(SLICE_PREFIX))
    for column in columns:
        for index, example in enumerate(examples):
            value = MISSING if example[column] is None else str(example[column])
            members.setdefault((column.removeprefix(SLICE_PREFIX), value), []).append(index)
    return [Part(column, value, rows) for (column, value), rows in sorted(members.items())]


def alone(candidate: Answers) -> list[dict[str, Any]]:
    """Return the slices of a candidate without champion: they only inform."""
    return [_row(part, candidate, None) for part in parts_of(candidate.examples)]


def ask_parts(params: GateParams, pair: Pair) -> Question[list[SliceDifference]] | None:
    """Ask how the models differ in each slice; None: there are no slices."""
    both, parts = (pair.candidate, pair.champion), parts_of(pair.candidate.examples)
    found = slices_of(
        [who.tallies for who in both],
        pair.candidate.groups,
        [part.rows for part in parts],
        [_large(params, part) for part in parts],
    )
    scores = [who.task.score for who in both]
    return ask_slices(scores, found, params.slices.margin, params.confidence) if found else None


def _large(params: GateParams, part: Part) -> bool:
    return len(part.rows) >= params.slices.min_rows


def compare_slices(
    params: GateParams, pair: Pair, found: Sequence[SliceDifference]
) -> tuple[list[dict[str, Any]], list[Rule], list[dict[str, Any]]]:
    """Return the slices, a rule on each that is large enough, and the power of those rules.

    A judged slice holds when the candidate is shown not inferior there, is broken when it is shown
    worse than the margin allows, and is open otherwise; both with Holm's correction over all judged
    slices (Scandinavian Journal of Statistics 6, 1979).

    Args:
        params: margin and least rows of a judged slice.
        pair: what both answered.
        found: what `ask_parts` was answered, in the order of the slices.
    """
    parts = parts_of(pair.candidate.examples)
    judged = [_large(params, part) for part in parts]
    both = (pair.candidate, pair.champion)
    rows, rules, power = [], [], []
    for part, told_apart, is_judged in zip(parts, found, judged, strict=True):
        measured = Measured(told_apart.estimate, told_apart.se, len(part.rows))
        rule = _rule(params, part, told_apart, _needed(params, measured, sum(judged)))
        if is_judged:
            rules.append(rule)
            power.append(_power(params, part, measured))
        rows.append(_row(part, *both) | _figures(told_apart) | (_judged(rule) if is_judged else {}))
    return rows, rules, power


def _row(part: Part, candidate: Answers, champion: Answers | None) -> dict[str, Any]:
    return {
        "column": part.column,
        "value": part.value,
        "rows": len(part.rows),
        "judged": False,
        "candidate": _score(candidate, part),
        "champion": _score(champion, part) if champion else None,
        "estimate": None,
        "low": None,
        "high": None,
        "p_value": None,
        "state": "informs",
        "needed": None,
    }


def _score(who: Answers, part: Part) -> float | None:
    return number(float(who.task.score(who.tallies[part.rows].sum(axis=0))))


def _figures(found: SliceDifference) -> dict[str, Any]:
    names = ("estimate", "low", "high", "p_value")
    return {name: number(getattr(found, name)) for name in names}


def _judged(rule: Rule) -> dict[str, Any]:
    return {"judged": True, "state": rule.state, "needed": rule.needed}


def _rule(params: GateParams, part: Part, found: SliceDifference, further: int | None) -> Rule:
    error = (1 - params.confidence) / 2
    low, high = number(found.low), number(found.high)
    held_up, worse = number(found.p_value), number(found.p_worse)
    state: State = "open"
    margin = told(params.slices.margin, "loss")
    reason = f"{len(part.rows)} examples do not settle whether it lost more than {margin}"
    reason += too_few(found.groups, params.slices.margin, params.confidence)
    if held_up is None or worse is None or low is None or high is None:
        state, reason = "broken", "the two models cannot be compared on this slice"
    elif held_up <= error:
        state, reason = "holds", f"it did not lose more than {margin}"
    elif worse <= error:
        state, reason = "broken", f"it lost more than {margin}"
    return Rule(
        part.name,
        state,
        reason,
        number(found.estimate),
        -params.slices.margin,
        None if low is None or high is None else (low, high),
        "points",
        "above",
        further if state == "open" else None,
    )


def _needed(params: GateParams, measured: Measured, among: int) -> int | None:
    if number(measured.estimate) is None or number(measured.se) is None or not among:
        return None
    return needed(measured, -params.slices.margin, params.confidence, among)


def _power(params: GateParams, part: Part, measured: Measured) -> dict[str, Any]:
    known = number(measured.se) is not None
    margin = -params.slices.margin
    return {
        "change": LOSS,
        "where": f"{part.column}: {part.value}",
        "rows": measured.rows,
        "held": number(held(measured, LOSS, margin, params.confidence)) if known else None,
    }
