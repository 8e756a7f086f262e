"""In: the candidate, the champion and the test split. Out: the verdict, and a page of reasons."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow

from components.files import read_json, write_json
from components.gate import (
    Bundles,
    Champion,
    Evidence,
    Reports,
    Settings,
    decide,
    evidence_key,
    write_report,
)
from components.gate.evidence import RESULT
from components.params import EvaluationParams, GateParams, ProjectParams
from components.records import read_examples
from components.registry import (
    Registry,
    attach,
    champion,
    decided,
    fetch,
    fetch_profile,
    open_registry,
    probes,
    record_decision,
    test_uses,
)
from components.seeding import derive
from flows.artifacts import publish, table
from flows.stage import STATE, WAIT_SECONDS

# Answers that a bundle must give again before the alias moves to it.
PROBED = 200


@flow(validate_parameters=False)
def gate(
    project: ProjectParams,
    evaluation: EvaluationParams,
    gate: GateParams,
    trained: Path,
    onnx: Path,
    int8: Path,
    examples: Path,
    augmented: Path,
    search: Path,
    validation: Path,
    survey: Path,
    reports: Path,
    receipt: Path,
    verdict: Path,
    report: Path,
    markdown: Path,
) -> str:
    """Compare with the champion on the same test examples, and decide."""
    books = open_registry(STATE, WAIT_SECONDS)
    evidence = Evidence(
        bundles=Bundles(trained, onnx, int8),
        champion=today_s_champion(books, project.name),
        data=examples,
        augmented=augmented,
        reports=Reports(
            reports, validation, read_json(receipt), read_json(search / "finalists.json")
        ),
    )
    settings = Settings(
        derive(project.seed, "gate"), evaluation.batch_size, evaluation.calibration_bins
    )
    # Judged once: who could ask again until chance agrees would be promoted by chance.
    decision = decided(books, project.name, evidence_key(gate, evidence))
    if decision is None:
        decision = decide(gate, evidence, settings, datetime.now(UTC).date())
        decision |= asked_of_the_books(books, project.name, decision, evidence)
        # In the ledger's own order of keys, so that the page is the same whenever it is written.
        decision = json.loads(json.dumps(decision, sort_keys=True, allow_nan=False))
        digests = write_report(decision, report, markdown)
        decision = dict(record_decision(books, decision, digests).payload["verdict"])
    write_report(decision, report, markdown)
    write_json(verdict, decision)
    files = {"gate.html": report, "gate.md": markdown, "verdict.json": verdict}
    files |= {"validation.json": validation / RESULT, "data.json": survey}
    attach(books, project.name, decision["candidate"]["version"], decision, files)
    states = {rule["title"]: rule["state"] for rule in decision["rules"]}
    publish("gate", decision["sentence"] + "\n\n" + table("rule", "state", states))
    return str(decision["sentence"])


def today_s_champion(books: Registry, name: str) -> Champion | None:
    """Return the version in production, its bundle fetched and verified, or None."""
    now = champion(books, name)
    if now is None:
        return None
    return Champion(
        now.version, fetch(books, name, now.version), fetch_profile(books, name, now.version)
    )


def asked_of_the_books(
    books: Registry, name: str, decision: Mapping[str, Any], evidence: Evidence
) -> dict[str, Any]:
    """Return how many versions these examples judged, this one too, and answers to ask again."""
    some = read_examples(evidence.data, "test")[:PROBED]
    digest = decision["candidate"]["digest"]
    return {
        "test_uses": test_uses(books, name, decision["data"], digest),
        "probes": probes(evidence.bundles.int8, some),
    }
