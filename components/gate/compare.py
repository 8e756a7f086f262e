"""In: candidate's and champion's answers to the same examples. Out: the rules between the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from components.gate.answers import Answers
from components.gate.rules import Rule
from components.gate.sentence import plain
from components.gate.statistics import Difference, Flips, by_group, mcnemar, paired_bootstrap
from components.params import GateParams
from components.schema import GROUP
from components.seeding import generator
from components.tasks.base import Example


def difference(
    params: GateParams,
    candidate: Answers,
    champion: Answers,
    examples: Sequence[Example],
    seed: int,
) -> Difference:
    """Return how the task's metric differs, by a bootstrap over the examples' groups.

    Args:
        params: resamples and confidence.
        candidate: its answers.
        champion: the champion's.
        examples: what both answered.
        seed: of the project.
    """
    groups = [str(example[GROUP]) for example in examples]
    both = (candidate, champion)
    return paired_bootstrap(
        [who.bundle.task.score for who in both],
        [by_group(who.bundle.task.tallies(examples, who.logits), groups) for who in both],
        params.resamples,
        params.confidence,
        generator(seed, "gate", "bootstrap"),
    )


def proved(params: GateParams, metric: str, found: Difference) -> Rule:
    """Return whether the candidate is superior, or not inferior, as params ask.

    Passed: the lower bound is above what is required, which is 0, or less the margin.
    """
    required = required_difference(params)
    passed = found.low > required
    gap = f"the difference in {plain(metric)}"
    sure = f"{100 * params.confidence:g} %"
    if passed:
        reason = f"{gap} is above what is required, with {sure} confidence"
    elif found.high <= required:
        reason = f"{gap} is not above what is required, with {sure} confidence"
    else:
        reason = f"the examples do not settle it: {gap} may lie on either side"
    return Rule(
        name=params.promote_when,
        passed=passed,
        figure=found.estimate,
        threshold=required,
        interval=(found.low, found.high),
        reason=reason,
        unit="points",
        bound="above",
    )


def undecided(params: GateParams, found: Difference) -> bool:
    """Return whether the bounds lie on both sides of the required difference."""
    return found.low <= required_difference(params) < found.high


def required_difference(params: GateParams) -> float:
    """Return what the candidate's metric must exceed the champion's by."""
    return 0.0 if params.promote_when == "superior" else -params.margin


def flips(candidate: Answers, champion: Answers) -> tuple[Flips, Rule]:
    """Return the answers that changed, and McNemar's test of them, which only informs."""
    found = mcnemar(candidate.right, champion.right)
    reason = f"{found.fixed} answers fixed, {found.broken} broken; exact McNemar test of accuracy"
    rule = Rule("mcnemar", None, found.p_value, None, None, reason, "p", "none")
    return found, rule


def same_labels(candidate: Sequence[str], champion: Sequence[str]) -> Rule:
    """Return whether both answer with the same labels; the order may differ."""
    new, old = set(candidate) - set(champion), set(champion) - set(candidate)
    parts = [
        f"{what} {', '.join(sorted(names))}"
        for what, names in (("only the candidate has", new), ("only the champion has", old))
        if names
    ]
    reason = "; ".join(parts) or "both answer with the same labels"
    return Rule("label_set", not parts, None, None, None, reason, "count", "none")


def facts(
    params: GateParams, metric: str, found: Difference, flipped: Flips, rows: int
) -> dict[str, Any]:
    """Return the comparison as JSON values."""
    return {
        "metric": metric,
        "rows": rows,
        "required": required_difference(params),
        "confidence": params.confidence,
        "resamples": params.resamples,
        **asdict(found),
        **asdict(flipped),
    }
