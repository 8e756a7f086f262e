"""In: the candidate, the champion and the test split. Out: the verdict, and a page of reasons."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from components.files import read_json, write_json
from components.gate import Champion, Evidence, decide, render
from components.params import EvaluationParams, GateParams, ProjectParams
from components.records import split_path
from components.registry import champion, fetch, open_registry
from components.seeding import derive
from flows.artifacts import publish, table
from flows.stage import STATE, WAIT_SECONDS


@flow(validate_parameters=False)
def gate(
    project: ProjectParams,
    evaluation: EvaluationParams,
    gate: GateParams,
    int8: Path,
    examples: Path,
    reports: Path,
    parity: Path,
    receipt: Path,
    verdict: Path,
    report: Path,
) -> str:
    """Compare with the champion on the same test examples, and decide."""
    books = open_registry(STATE, WAIT_SECONDS)
    now = champion(books, project.name)
    evidence = Evidence(
        candidate=int8,
        champion=Champion(now.version, fetch(books, project.name, now.version)) if now else None,
        examples=split_path(examples, "test"),
        evaluation=reports,
        parity=parity,
        receipt=read_json(receipt),
        batch_size=evaluation.batch_size,
    )
    decision = decide(gate, evidence, derive(project.seed, "gate"))
    render(decision, reports, parity, report)
    write_json(verdict, decision)
    kept = {rule["name"]: "kept" if rule["passed"] else "broken" for rule in decision["rules"]}
    publish("gate", decision["sentence"] + "\n\n" + table("rule", "state", kept))
    return f"{decision['verdict']}: {decision['sentence']}"
