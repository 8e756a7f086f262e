"""In: the gate's verdict. Out: the same in the ledger, once for each piece of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from components.errors import PromotionError
from components.files import sha256_json
from components.registry.chain import canonical
from components.registry.ledger import Entry, Ledger, open_ledger
from components.registry.locks import model_lock
from components.registry.moves import read_standing
from components.registry.place import Registry
from components.registry.waiting import patient

AGAIN = "`python -m flows release` decides again, against the champion of today"


@patient
def record_decision(
    registry: Registry, verdict: Mapping[str, Any], report: Mapping[str, str]
) -> Entry:
    """Write a decision into the ledger; the first one on the same evidence is the one that counts.

    Args:
        registry: where the model is.
        verdict: as the gate made it; its `evidence` names it.
        report: file name to SHA-256 of the pages that were made from it.

    Returns:
        The row; its payload has the verdict that counts, and its report.

    Raises:
        PromotionError: the verdict has no name or no evidence.
        IntegrityError: the ledger lacks a row that MLflow knows of.
    """
    key = _key_of(verdict)
    name = str(verdict["candidate"]["name"])
    ledger = open_ledger(registry)
    payload = {"verdict": dict(verdict), "report": dict(report)}
    with model_lock(registry, name):
        return ledger.append(name, "decision", key, payload)


@patient
def decided(registry: Registry, name: str, evidence: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the verdict that was given on this evidence before, or None.

    Asked again, the same evidence gives the same verdict: nobody draws until it suits.
    """
    entry = open_ledger(registry).find(decision_key(name, evidence))
    return None if entry is None else dict(entry.payload["verdict"])


@patient
def test_uses(registry: Registry, name: str, data: str, candidate: str) -> int:
    """Count the versions of model `name` that were judged on test data of this SHA-256.

    Each look at the same test data makes a lucky winner a little more likely. The candidate, named
    by its digest, counts as well, and once, however often it is judged.
    """
    decisions = open_ledger(registry).read(name, ("decision",))
    pieces = [entry.payload["verdict"]["evidence"] for entry in decisions]
    return len({candidate, *(piece["candidate"] for piece in pieces if piece["data"] == data)})


# pytest takes every function of that name in a test's module for a test.
test_uses.__test__ = False  # type: ignore[attr-defined]


@patient
def withdrawn(registry: Registry, verdict: Mapping[str, Any]) -> Entry | None:
    """Return the row that took production away from what this verdict had promoted, or None.

    A verdict promotes once: what was rolled back comes back by a person, or by a new decision.
    """
    ledger = open_ledger(registry)
    decision = genuine(ledger, verdict)
    return read_standing(ledger, decision.name).ended(decision.seq)


def genuine(ledger: Ledger, verdict: Mapping[str, Any]) -> Entry:
    """Return the ledger's row of a verdict.

    Raises:
        PromotionError: the ledger has none, or has another one on the same evidence.
    """
    entry = ledger.find(_key_of(verdict))
    if entry is None:
        raise PromotionError(
            f"the ledger knows of no verdict on version {verdict['candidate'].get('version')} of "
            f"{verdict['candidate']['name']} with this evidence: the gate has not given it",
            "`dvc repro --force gate` asks the gate",
        )
    try:
        same = canonical(verdict) == canonical(entry.payload["verdict"])
    except ValueError:
        same = False
    if not same:
        raise PromotionError(
            f"the verdict was edited: it is not the one in row {entry.seq} of the ledger, "
            f"written {entry.at} by {entry.who}",
            "`dvc repro --force gate` writes it as it was given",
        )
    return entry


def expired(verdict: Mapping[str, Any], today: date | None = None) -> list[str]:
    """Return the rules whose waiver does not count any more today, UTC."""
    today = today or datetime.now(UTC).date()
    waived = [rule for rule in verdict.get("rules", ()) if rule.get("state") == "waived"]
    return [
        str(rule["name"])
        for rule in waived
        if today > date.fromisoformat(str((rule.get("waiver") or {}).get("until", date.min)))
    ]


def decision_key(name: str, evidence: Mapping[str, Any]) -> str:
    """Return the key of the decision about a model on this evidence."""
    return f"decision:{name}:{sha256_json(dict(evidence))}"


def _key_of(verdict: Mapping[str, Any]) -> str:
    try:
        verdict["verdict"], verdict["champion"], verdict["candidate"]["version"]
        return decision_key(str(verdict["candidate"]["name"]), dict(verdict["evidence"]))
    except (KeyError, TypeError, ValueError) as error:
        raise PromotionError(f"the verdict is incomplete: {error!r}", AGAIN) from error
