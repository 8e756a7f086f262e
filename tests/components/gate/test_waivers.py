"""In: rules and waivers. Out: which of them a person may let be broken, and until when."""

from __future__ import annotations

from datetime import date

import pytest

from components.gate.catalogue import KINDS, exists, kind
from components.gate.rules import Rule
from components.gate.waivers import waive
from components.params import WaiverParams

DAY = date(2026, 3, 1)


def waiver(
    rule: str, until: str = "2026-03-01", reason: str = "the new graph is worth it"
) -> WaiverParams:
    return WaiverParams(rule=rule, reason=reason, by="Ada", until=until)


def states(rules: list[Rule]) -> dict[str, str]:
    return {rule.name: rule.state for rule in rules}


@pytest.mark.parametrize("state", ["broken", "open"])
def test_waived_rule_says_who_why_and_until_when(state: str) -> None:
    rule = Rule("size_ratio", state, "1.80 is above 1.50", 1.8, 1.5)  # type: ignore[arg-type]
    (found,) = waive([rule], [waiver("size_ratio")], [], DAY)
    assert found.state == "waived"
    assert found.reason.startswith("1.80 is above 1.50; waived by Ada until 2026-03-01: ")
    assert found.reason.endswith("the new graph is worth it")
    told = found.as_json()["waiver"]
    assert told == {
        "reason": "the new graph is worth it",
        "by": "Ada",
        "until": "2026-03-01",
        "expired": False,
    }


def test_waiver_ends_after_its_last_day_and_says_so() -> None:
    rule = Rule("size_ratio", "broken", "1.80 is above 1.50")
    (found,) = waive([rule], [waiver("size_ratio")], [], date(2026, 3, 2))
    assert found.state == "broken"
    assert found.reason == "1.80 is above 1.50; the waiver by Ada expired after 2026-03-01"
    assert found.waiver is not None
    assert found.waiver.expired


def test_waiver_of_a_rule_that_holds_changes_nothing() -> None:
    rules = [Rule("size_ratio", "holds", "it is small"), Rule("mcnemar", "informs", "a figure")]
    assert waive(rules, [waiver("size_ratio"), waiver("mcnemar")], [], DAY) == rules


def test_waiver_touches_no_other_rule() -> None:
    rules = [Rule("size_ratio", "broken", "large"), Rule("size_mb", "broken", "large")]
    found = states(waive(rules, [waiver("size_ratio")], [], DAY))
    assert found == {"size_ratio": "waived", "size_mb": "broken"}


@pytest.mark.parametrize("name", ["size", "Size_ratio", "slice:channel=fax", "robust:words "])
def test_waiver_of_no_rule_is_a_broken_rule(name: str) -> None:
    found = waive([], [waiver(name)], ["slice:channel=mail"], DAY)
    assert states(found) == {f"waiver:{name}": "broken"}
    assert found[0].reason == f"gate.waivers names {name}, which is no rule"


@pytest.mark.parametrize("name", ["superior", "slice:channel=mail", "latency_ratio"])
def test_waiver_of_a_rule_that_is_not_asked_this_time_is_no_mistake(name: str) -> None:
    assert waive([], [waiver(name)], ["slice:channel=mail"], DAY) == []


@pytest.mark.parametrize(
    "name",
    [
        "registered",
        "same_model",
        "label_order",
        "tokenizer",
        "data",
        "trained_data",
        "validation",
        "report_digest",
        "report_data",
        "report_split",
        "report_metrics",
        "predictions",
        "finite",
        "new",
    ],
)
def test_what_tells_whether_to_believe_the_evidence_cannot_be_waived(name: str) -> None:
    found = waive([Rule(name, "broken", "it is off")], [waiver(name)], [], DAY)
    assert states(found) == {name: "broken", f"waiver:{name}": "broken"}
    assert "cannot be waived" in found[1].reason
    assert found[0].waiver is None


def test_of_several_waivers_the_one_that_lasts_longest_counts() -> None:
    rule = Rule("size_ratio", "broken", "large")
    several = [waiver("size_ratio", day) for day in ("2026-06-30", "2026-01-01", "2026-04-30")]
    (found,) = waive([rule], several, [], DAY)
    assert found.state == "waived"
    assert found.waiver is not None
    assert found.waiver.until == "2026-06-30"


def test_a_waiver_cannot_be_waived() -> None:
    found = waive([], [waiver("nothing"), waiver("waiver:nothing")], [], DAY)
    assert set(states(found).values()) == {"broken"}


def test_every_rule_has_a_title_and_a_heading_of_the_report() -> None:
    headings = {"Against the champion", "Slices", "Limits", "Robustness", "Evidence"}
    named = [*KINDS, "slice:channel=mail", "waiver:size"]
    assert {kind(name).heading for name in named} == headings
    assert all(kind(name).title and (kind(name).cure or name == "mcnemar") for name in named)
    assert kind("slice:channel=a=b").title == "channel: a=b"
    assert exists("slice:channel=mail", ["slice:channel=mail"])
