"""In: rules, the waivers of params.yaml, and the day. Out: the rules, some of them waived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from components.gate.catalogue import WAIVER, exists, kind
from components.gate.rules import Rule, Waived
from components.params import WaiverParams


def waive(
    rules: Sequence[Rule], waivers: Sequence[WaiverParams], slices: Iterable[str], today: date
) -> list[Rule]:
    """Return the rules, those waived that may be; then a broken one for each waiver that is wrong.

    A waiver counts up to and with its last day. Of several about one rule, the one that lasts
    longest counts.

    Args:
        rules: as they were answered.
        waivers: of params.yaml.
        slices: the names of rules about slices that there can be, judged or not.
        today: the day, UTC.
    """
    known = {*slices, *(rule.name for rule in rules)}
    lasting = {w.rule: w for w in sorted(waivers, key=lambda w: w.until)}
    kept = [_waived(rule, lasting.get(rule.name), today) for rule in rules]
    return [*kept, *(found for name in lasting if (found := _wrong(name, known)))]


def _waived(rule: Rule, waiver: WaiverParams | None, today: date) -> Rule:
    if waiver is None or rule.state not in {"broken", "open"} or not kind(rule.name).waivable:
        return rule
    expired = today > date.fromisoformat(waiver.until)
    named = Waived(waiver.reason, waiver.by, waiver.until, expired)
    if expired:
        told = f"{rule.reason}; the waiver by {waiver.by} expired after {waiver.until}"
        return replace(rule, reason=told, waiver=named)
    told = f"{rule.reason}; waived by {waiver.by} until {waiver.until}: {waiver.reason}"
    return replace(rule, state="waived", reason=told, waiver=named)


def _wrong(name: str, known: Iterable[str]) -> Rule | None:
    """Return the rule that a waiver breaks by its own name, or None when it may stand."""
    if not exists(name, known):
        return Rule(f"{WAIVER}{name}", "broken", f"gate.waivers names {name}, which is no rule")
    if not kind(name).waivable:
        reason = f"{name} tells whether the evidence can be believed and cannot be waived"
        return Rule(f"{WAIVER}{name}", "broken", reason)
    return None
