"""In: what is known of candidate and champion. Out: promote, hold or undecidable, and why."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

from components.difference import difference
from components.gate import compare, figures, limits
from components.gate.answers import (
    Answers,
    Candidate,
    ask,
    ask_candidate,
    disagreements,
)
from components.gate.evidence import Evidence, Settings, evidence_key, read_test
from components.gate.genuine import genuine
from components.gate.luck import beyond_luck, luck_of
from components.gate.reported import reported
from components.gate.robustness import Draw, robustness
from components.gate.rules import Rule, check
from components.gate.sentence import sentence
from components.gate.slices import alone, ask_parts, compare_slices, parts_of
from components.gate.speed import paired_latency
from components.gate.waivers import waive
from components.inference import Predictor, load_predictor
from components.params import GateParams
from components.tasks.base import Example, Task, bare

FORMAT: Final = 2


@dataclass
class _Case:
    """A verdict in the making.

    Attributes:
        params: what is asked.
        evidence: what is judged.
        settings: how the gate predicts and draws.
        examples: the test split.
        rules: as far as they were asked.
        verdict: as far as it is known.
    """

    params: GateParams
    evidence: Evidence
    settings: Settings
    examples: list[Example]
    rules: list[Rule] = field(default_factory=list)
    verdict: dict[str, Any] = field(default_factory=dict)


def decide(
    params: GateParams, evidence: Evidence, settings: Settings, today: date
) -> dict[str, Any]:
    """Judge a candidate: predict the test examples anew, compare, and trust no stored figure.

    `hold` when any rule is broken; else `undecidable` when any is open; else `promote`.

    Args:
        params: what is asked.
        evidence: what is judged.
        settings: how the gate predicts and draws.
        today: UTC; waivers end by it.

    Returns:
        The verdict, as JSON values.

    Raises:
        DataError: the test examples cannot be read, or have labels that the candidate lacks.
        IntegrityError: a bundle was altered.
    """
    case = _Case(params, evidence, settings, read_test(evidence))
    key = evidence_key(params, evidence)
    found = ask_candidate(evidence, settings, case.examples)
    case.verdict = _head(case, key, found)
    champion = load_predictor(evidence.champion.bundle) if evidence.champion else None
    pair = _pair(case, found.int8, champion) if champion else None
    with _settled():
        told = _drawn(case, found.int8, pair)
        if champion:
            _against(case, found.int8, champion, pair, told)
        _measure(case, found, pair.champion if pair else None, champion, told)
    slices = [part.name for part in parts_of(case.examples)]
    asked = waive(case.rules, params.waivers, slices, today)
    case.verdict["rules"] = [rule.as_json() for rule in asked]
    case.verdict |= conclusion(asked)
    case.verdict["sentence"] = sentence(case.verdict)
    return case.verdict


@contextlib.contextmanager
def _settled() -> Iterator[None]:
    """Have the garbage collector leave alone what is there already: libraries and answers stay.

    To look through them again and again took a third of the time.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _head(case: _Case, key: dict[str, Any], found: Candidate) -> dict[str, Any]:
    """Return what names a verdict; what only a champion adds is empty."""
    params, receipt, card = case.params, case.evidence.reports.receipt, found.int8.bundle.card
    return {
        "format": FORMAT,
        "decided_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "promote_when": params.promote_when,
        "metric": found.int8.task.metric,
        "confidence": params.confidence,
        "resamples": params.resamples,
        "evidence": key,
        "candidate": {
            "name": receipt.get("name"),
            "version": receipt.get("version"),
            "digest": found.int8.bundle.digest,
            "lineage": card.lineage.get("id"),
            "quantization": getattr(card, "quantization", None),
        },
        "champion": None,
        "data": key["data"],
        "rows": len(case.examples),
        "groups": len(set(found.int8.groups)),
        "comparison": None,
        "power": [],
        "disagreements": [],
        "test_uses": None,
    }


def _pair(case: _Case, new: Answers, predictor: Predictor) -> compare.Pair | None:
    """Let the champion answer the examples that it knows the labels of; None: there are none."""
    rows = compare.shared_rows(new, predictor.bundle.task)
    if not rows:
        return None
    left_out = len(case.examples) - len(rows)
    return compare.Pair(
        new.of(rows) if left_out else new,
        ask(predictor, [case.examples[row] for row in rows], case.settings.batch_size),
        rows,
        left_out,
    )


def _drawn(case: _Case, new: Answers, pair: compare.Pair | None) -> dict[str, Any]:
    """Return all that resampling tells, by name."""
    params, settings, asked = case.params, case.settings, figures.Asked()
    models = {"candidate": new, "champion": pair.champion if pair else None}
    for name, who in models.items():
        if who is not None:
            asked.ask(f"scores {name}", who.groups, figures.ask_scores(params, who))
            asked.ask(f"calibration {name}", who.groups, figures.ask_error(params, settings, who))
    if pair:
        asked.ask("difference", pair.candidate.groups, compare.ask_pair(params, pair))
        asked.ask("slices", pair.candidate.groups, ask_parts(params, pair))
    return asked.answers(params.resamples, settings.seed)


def _against(
    case: _Case,
    new: Answers,
    predictor: Predictor,
    pair: compare.Pair | None,
    told: Mapping[str, Any],
) -> None:
    """Compare with the champion, and ask the rules between the two."""
    bundle = predictor.bundle
    left_out = len(case.examples) - (len(pair.rows) if pair else 0)
    case.verdict["champion"] = {
        "version": case.evidence.champion.version if case.evidence.champion else None,
        "digest": bundle.digest,
        "lineage": bundle.card.lineage.get("id"),
    }
    labels = compare.same_labels(new.task.labels, bundle.task.labels, left_out)
    if pair is None:
        case.rules += [
            compare.incomparable(case.params),
            labels,
            _new(new.bundle.digest, bundle.digest),
        ]
        case.verdict["slices"] = alone(new)
        return
    found = compare.compared(case.params, pair, told["difference"])
    slices, on_slices, power = compare_slices(case.params, pair, told.get("slices", ()))
    # A refreshed model need not gain, so luck is no matter to it.
    gains = case.params.promote_when == "superior"
    luck = luck_of(case.evidence.reports.finalists) if gains else None
    case.rules += [
        *compare.against(case.params, found),
        *([beyond_luck(found.found, luck, case.params.confidence)] if gains else []),
        labels,
        _new(new.bundle.digest, bundle.digest),
        *on_slices,
    ]
    case.verdict |= {
        "comparison": compare.facts(case.params, found),
        "power": [*compare.power(case.params, found, luck), *power],
        "slices": slices,
        "disagreements": disagreements(pair.candidate, pair.champion),
    }


def _measure(
    case: _Case,
    found: Candidate,
    old: Answers | None,
    champion: Predictor | None,
    told: Mapping[str, Any],
) -> None:
    """Measure what needs no champion, beside the champion where there is one, and ask the rules."""
    params, settings, new = case.params, case.settings, found.int8
    seed = settings.seed
    labels = figures.union(new.task.labels, old.task.labels if old else ())
    both = {"candidate": new, "champion": old}
    # As a user asks; the champion may not know the label, either.
    unlabelled = [bare(new.task, row) for row in case.examples]
    measured: dict[str, Any] = {
        "scores": {name: told.get(f"scores {name}") for name in both},
        "robustness": robustness(
            params.robustness,
            found.served,
            case.examples,
            new.predictions,
            Draw(seed, settings.batch_size, params.confidence),
        ),
        "parity": found.parity,
        "calibration": {name: told.get(f"calibration {name}") for name in both},
        "confusion": {
            "labels": labels,
            **{n: figures.confusion(labels, w) if w else None for n, w in both.items()},
        },
        "by_label": {n: figures.by_label(w) if w else None for n, w in both.items()},
        "mistakes": {n: figures.mistakes(w) if w else None for n, w in both.items()},
        "latency": paired_latency(found.served, champion, unlabelled),
        "size_bytes": {
            n: figures.size(p.bundle) if p else None
            for n, p in {"candidate": found.served, "champion": champion}.items()
        },
        "difference": _difference(new.task, case.evidence),
        "leakage": figures.leaks(case.evidence, new),
        "lineage": figures.lineage(new),
        "seeds": figures.seeds(case.evidence.reports.finalists),
    }
    case.verdict = {"slices": alone(new)} | case.verdict | measured
    case.rules += _asked(case, found)


def _asked(case: _Case, found: Candidate) -> list[Rule]:
    """Return the rules that are asked with or without a champion."""
    params, told, rows = case.params, case.verdict, len(case.examples)
    own = figures.confusion(found.int8.task.labels, found.int8)
    return [
        *limits.floors(params, told["scores"]["candidate"], rows),
        limits.calibrated(params, told["calibration"]["candidate"], rows),
        *limits.served(params, found),
        *limits.costs(params, told["latency"], told["size_bytes"]),
        *limits.robust(params, told["robustness"]),
        *limits.copies(params, told["leakage"]),
        *genuine(case.evidence, found),
        *reported(case.evidence, found, own),
    ]


def _difference(task: Task, evidence: Evidence) -> dict[str, Any] | None:
    champion = evidence.champion
    return difference(task, champion.profile if champion else None, evidence.data)


def _new(candidate: str, champion: str) -> Rule:
    """Return whether the candidate is another bundle than the champion."""
    new = candidate != champion
    reason = "these bytes are not the champion's" if new else "these bytes are the champion already"
    return check("new", new, reason)


def conclusion(asked: list[Rule]) -> dict[str, Any]:
    """Return the verdict, and the further examples that would settle all that is open."""
    states = {rule.state for rule in asked}
    needed = [rule.needed for rule in asked if rule.state == "open"]
    known = [number for number in needed if number is not None]
    verdict = "hold" if "broken" in states else "undecidable" if "open" in states else "promote"
    all_known = bool(known) and len(known) == len(needed)
    return {"verdict": verdict, "needed": max(known) if all_known else None}
