"""In: candidate's and champion's answers to the same examples. Out: the rules between the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from scipy.stats import binomtest

from components.bootstrap import Question
from components.gate.answers import Answers
from components.gate.luck import Luck
from components.gate.mcnemar import EVEN, Flips, mcnemar
from components.gate.power import Measured, Right, held, needed, too_few
from components.gate.rules import Rule, State, check, number
from components.gate.statistics import Difference, ask_difference
from components.gate.words import signed
from components.params import GateParams
from components.tasks.base import Task

# What a reader wants to know the gate's chances for: losses that it should find, and gains.
CHANGES: Final = (-0.01, -0.02, -0.05, 0.01, 0.02)


@dataclass(frozen=True)
class Pair:
    """Candidate and champion on the examples whose label both know.

    Attributes:
        candidate: its answers to those.
        champion: likewise.
        rows: of the test split, which they are.
        left_out: test examples whose label the champion does not know.
    """

    candidate: Answers
    champion: Answers
    rows: list[int]
    left_out: int


@dataclass(frozen=True)
class Compared:
    """What the comparison found.

    Attributes:
        pair: what was compared.
        found: the difference in the task's metric.
        flips: the answers that changed between right and wrong.
        needed: further examples that would settle it, should it be open.
    """

    pair: Pair
    found: Difference
    flips: Flips
    needed: int | None


def shared_rows(candidate: Answers, champion: Task) -> list[int]:
    """Return the examples that the champion could answer rightly: it knows their labels, too."""
    examples = candidate.examples
    return [i for i, example in enumerate(examples) if champion.reject(example) is None]


def ask_pair(params: GateParams, pair: Pair) -> Question[Difference]:
    """Ask how the task's metric differs, by a bootstrap over the examples' groups."""
    both = (pair.candidate, pair.champion)
    return ask_difference(
        [who.task.score for who in both], [who.sums for who in both], params.confidence
    )


def compared(params: GateParams, pair: Pair, found: Difference) -> Compared:
    """Return what the comparison found.

    Args:
        params: what is required, and how surely.
        pair: what both answered.
        found: what `ask_pair` was answered.
    """
    return Compared(
        pair=pair,
        found=found,
        flips=mcnemar(pair.candidate.right, pair.champion.right),
        needed=needed(_measured(found, pair), required(params), params.confidence, 1),
    )


def required(params: GateParams) -> float:
    """Return what the candidate's metric must exceed the champion's by."""
    return 0.0 if params.promote_when == "superior" else -params.margin


def against(params: GateParams, compared: Compared) -> list[Rule]:
    """Return the rules on the whole of the examples: the metric's, and those on accuracy."""
    return [_proved(params, compared), *_changed(params, compared.flips)]


def incomparable(params: GateParams) -> Rule:
    """Return the rule as it is when no example has a label that both know."""
    reason = "no test example has a label that both models know"
    return Rule(params.promote_when, "broken", reason, None, required(params), unit="points")


def same_labels(candidate: Sequence[str], champion: Sequence[str], left_out: int) -> Rule:
    """Return whether both answer with the same labels; the order may differ."""
    parts = [
        f"{what} {', '.join(names)}"
        for what, names in (
            ("only the candidate has", only(candidate, champion)),
            ("only the champion has", only(champion, candidate)),
        )
        if names
    ]
    rows = "1 test example is" if left_out == 1 else f"{left_out} test examples are"
    parts += [f"{rows} left out of the comparison"] if left_out else []
    return check("label_set", not parts, "; ".join(parts) or "both answer with the same labels")


def only(one: Sequence[str], other: Sequence[str]) -> list[str]:
    """Return the labels that the first has and the second has not."""
    return sorted(set(one) - set(other))


def facts(params: GateParams, compared: Compared) -> dict[str, Any]:
    """Return the comparison as JSON values."""
    pair = compared.pair
    new, old = pair.candidate.task, pair.champion.task
    return {
        "metric": new.metric,
        "rows": len(pair.rows),
        "required": required(params),
        "confidence": params.confidence,
        "resamples": params.resamples,
        **{name: number(value) for name, value in asdict(compared.found).items()},
        "groups": compared.found.groups,
        **asdict(compared.flips),
        "labels": {
            "shared": len(set(new.labels) & set(old.labels)),
            "only_candidate": only(new.labels, old.labels),
            "only_champion": only(old.labels, new.labels),
            "left_out": pair.left_out,
        },
    }


def power(params: GateParams, compared: Compared, luck: Luck | None) -> list[dict[str, Any]]:
    """Return how probably candidates that are so much worse or better are not promoted.

    By the rule on the metric and, where the spread over seeds is known, by what it asks besides.
    """
    measured = _measured(compared.found, compared.pair)
    return [
        {
            "change": change,
            "where": "overall",
            "rows": measured.rows,
            "held": number(held(measured, change, required(params), params.confidence, luck)),
        }
        for change in CHANGES
    ]


def _measured(found: Difference, pair: Pair) -> Measured:
    new, old = pair.candidate.right, pair.champion.right
    counts = (new & old, new & ~old, ~new & old, ~new & ~old)
    right = Right(*(int(some.sum()) for some in counts))
    return Measured(found.estimate, found.se, len(pair.rows), right)


def _proved(params: GateParams, compared: Compared) -> Rule:
    """Return whether the candidate is superior, or not inferior, as params ask.

    Holds: the lower bound is above what is required; broken: the upper bound is not; else open.
    """
    found, asked = compared.found, required(params)
    low, high = number(found.low), number(found.high)
    if low is None or high is None:
        reason = "the difference has no finite bounds"
        return Rule(params.promote_when, "broken", reason, None, asked, unit="points")
    state: State = "open"
    gap = f"the difference lies between {signed(low)} and {signed(high)} points"
    sure = f"with {100 * params.confidence:g} % confidence"
    if low > asked:
        state, reason = "holds", f"{gap} {sure}: above the {signed(asked)} required"
    elif high <= asked:
        state, reason = "broken", f"{gap} {sure}: not above the {signed(asked)} required"
    else:
        reason = f"{gap} {sure}: the examples do not settle whether it is above what is required"
        reason += too_few(found.groups, -asked, params.confidence) if asked < 0 else ""
    return Rule(
        params.promote_when,
        state,
        reason,
        found.estimate,
        asked,
        (low, high),
        "points",
        "above",
        compared.needed if state == "open" else None,
    )


def _changed(params: GateParams, flips: Flips) -> list[Rule]:
    """Return whether accuracy is shown to be worse, and McNemar's test, which only informs.

    Exact one-sided McNemar test: were breaking and fixing equally likely, so many broken answers
    or more would be this rare. McNemar, Psychometrika 12, 1947.
    """
    changed, error = flips.fixed + flips.broken, (1 - params.confidence) / 2
    worse = float(binomtest(flips.broken, changed, EVEN, "greater").pvalue) if changed else 1.0
    counts = f"answers fixed {flips.fixed}, broken {flips.broken}"
    passed = worse > error
    reason = f"{counts}: " + ("no loss beyond chance" if passed else "a loss beyond chance")
    return [
        Rule(
            "accuracy_not_worse",
            "holds" if passed else "broken",
            reason,
            worse,
            error,
            unit="p",
            bound="above",
        ),
        Rule(
            "mcnemar",
            "informs",
            f"{counts}; exact two-sided McNemar test of accuracy",
            flips.p_value,
            unit="p",
        ),
    ]
