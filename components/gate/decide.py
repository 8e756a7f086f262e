"""In: what is known of candidate and champion. Out: promote, hold or undecidable, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from components.errors import TouchstoneError
from components.files import read_json, sha256_file
from components.gate import compare, rules
from components.gate.answers import Answers, answer, disagreements, read_test, slices
from components.gate.rules import Rule
from components.gate.sentence import sentence
from components.inference import load_bundle
from components.params import GateParams
from components.tasks.base import Example

ARTIFACTS: Final = ("trained", "onnx", "int8")


@dataclass(frozen=True)
class Champion:
    """The version in production.

    Attributes:
        version: its number in the registry.
        bundle: its folder, fetched from there.
    """

    version: int
    bundle: Path


@dataclass(frozen=True)
class Evidence:
    """What the gate looks at.

    Attributes:
        candidate: the bundle that would be served.
        champion: the version in production, or None when there is none yet.
        examples: Parquet file of the test split.
        evaluation: folder with the reports of all artifacts.
        parity: report on torch against int8.
        receipt: of the candidate's registration.
        batch_size: the evaluation's, so that answers which depend on it agree.
    """

    candidate: Path
    champion: Champion | None
    examples: Path
    evaluation: Path
    parity: Path
    receipt: Mapping[str, Any]
    batch_size: int


def decide(params: GateParams, evidence: Evidence, seed: int) -> dict[str, Any]:
    """Judge a candidate: predict the test examples anew, check the reports, compare.

    Any broken rule holds the candidate; else an open comparison makes it undecidable.

    Args:
        params: what is asked.
        evidence: what is judged.
        seed: of the project.

    Returns:
        The verdict, as JSON values.

    Raises:
        DataError: the test examples cannot be read.
        IntegrityError: a bundle was altered.
    """
    examples = read_test(evidence.examples)
    new = answer(evidence.candidate, examples, evidence.batch_size)
    test = sha256_file(evidence.examples)
    reports = {name: _read(evidence.evaluation / f"{name}.json") for name in ARTIFACTS}
    asked = [
        *rules.genuine(new.bundle.digest, test, new.metrics, reports, evidence.receipt),
        *rules.floors(params, new.metrics, reports),
        rules.readable_parity(_read(evidence.parity)),
    ]
    verdict: dict[str, Any] = {
        "decided_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "promote_when": params.promote_when,
        "candidate": _candidate(evidence, new),
        "champion": None,
        "data": test,
        "rows": len(examples),
        "metric": new.bundle.task.metric,
        "scores": {"candidate": new.metrics, "champion": None},
        "comparison": None,
        "disagreements": [],
    }
    old = None
    is_open = False
    if evidence.champion is not None:
        added, old, is_open = _against(params, evidence.champion, new, examples, seed)
        asked += added.pop("rules")
        verdict |= added
    verdict["slices"] = slices(new, old, examples)
    verdict["rules"] = [rule.as_json() for rule in asked]
    verdict["verdict"] = _word(params, asked, is_open)
    verdict["sentence"] = sentence(verdict)
    return verdict


def _against(
    params: GateParams,
    champion: Champion,
    new: Answers,
    examples: list[Example],
    seed: int,
) -> tuple[dict[str, Any], Answers | None, bool]:
    """Return what comparing adds to the verdict, the champion's answers, and whether it is open."""
    theirs = load_bundle(champion.bundle)
    seen = {"version": champion.version, "digest": theirs.digest}
    first = [
        rules.different(new.bundle.digest, theirs.digest),
        compare.same_labels(new.bundle.task.labels, theirs.task.labels),
    ]
    if not first[1].passed:
        return {"champion": seen, "rules": first}, None, False
    old = answer(champion.bundle, examples, new.batch_size)
    metric = new.bundle.task.metric
    found = compare.difference(params, new, old, examples, seed)
    flipped, informs = compare.flips(new, old)
    added = {
        "champion": seen,
        "scores": {"candidate": new.metrics, "champion": old.metrics},
        "comparison": compare.facts(params, metric, found, flipped, len(examples)),
        "disagreements": disagreements(new, old, examples),
        "rules": [*first, compare.proved(params, metric, found), informs],
    }
    return added, old, compare.undecided(params, found)


def _word(params: GateParams, asked: list[Rule], is_open: bool) -> str:
    broken = [rule.name for rule in asked if rule.passed is False]
    if not broken:
        return "promote"
    return "undecidable" if is_open and broken == [params.promote_when] else "hold"


def _candidate(evidence: Evidence, new: Answers) -> dict[str, Any]:
    return {
        "name": evidence.receipt.get("name"),
        "version": evidence.receipt.get("version"),
        "digest": new.bundle.digest,
        "lineage": new.bundle.card.lineage.get("id"),
    }


def _read(path: Path) -> Mapping[str, Any]:
    """Return a report, or nothing where it is missing or unreadable: its rules will say so."""
    try:
        value = read_json(path)
    except (TouchstoneError, OSError):
        return {}
    return value if isinstance(value, dict) else {}
