"""In: a registry. Out: versions that serve toy bundles, and verdicts on them in its ledger."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.files import verify_manifest
from components.registry import (
    Registry,
    Seen,
    champion,
    open_ledger,
    promote,
    record_decision,
)
from tests.components.toy_bundles import make_bundle

Verdict = dict[str, Any]
REPORT = {"gate.html": "1" * 64, "gate.json": "2" * 64}
PROBES = [
    {"example": {"text": word}, "label": label, "score": 0.9}
    for word, label in (("parcel", "track"), ("money", "refund"), ("password", "login"))
]


def make_model(folder: Path, lineage: str) -> Path:
    """Write a folder as MLflow keeps a version's: the bundle lies in it."""
    make_bundle(folder / "artifacts" / "bundle", lineage=lineage)
    return folder


def add_model(registry: Registry, name: str) -> None:
    """Make the model, without versions."""
    registry.client.create_registered_model(name)


def add_version(registry: Registry, name: str, model: Path, digest: str | None = None) -> Seen:
    """Make a version that serves the bundle in `model`."""
    digest = digest or verify_manifest(model / "artifacts" / "bundle")
    entry = registry.client.create_model_version(
        name, source=str(model), tags={"touchstone.digest": digest}
    )
    return Seen(int(entry.version), digest)


def verdict_on(
    registry: Registry, name: str, candidate: Seen, word: str = "promote", **more: object
) -> Verdict:
    """Return a verdict against today's champion, which the ledger does not know yet."""
    now = champion(registry, name)
    return {
        "format": 2,
        "verdict": word,
        "sentence": "better",
        "evidence": {
            "candidate": candidate.digest,
            "champion": now.digest if now else None,
            "data": "d" * 64,
            "params": "p" * 64,
            "code": "c" * 64,
        },
        "candidate": {"name": name, **candidate.as_json(), "lineage": "l"},
        "champion": {**now.as_json(), "lineage": "l"} if now else None,
        "rules": [],
        "probes": PROBES,
        **more,
    }


def record(registry: Registry, verdict: Mapping[str, Any]) -> Verdict:
    """Write a verdict into the ledger; return the one that counts."""
    return dict(record_decision(registry, verdict, REPORT).payload["verdict"])


def judged(
    registry: Registry, name: str, candidate: Seen, word: str = "promote", **more: object
) -> Verdict:
    """Return a verdict against today's champion, which the ledger knows."""
    return record(registry, verdict_on(registry, name, candidate, word, **more))


def lift(registry: Registry, name: str, *versions: Seen) -> None:
    """Promote one after the other, each by a verdict against the one before."""
    for version in versions:
        assert promote(registry, judged(registry, name, version)).changed


def moves(registry: Registry, name: str) -> list[str]:
    """Return what the ledger says of the alias, in order; verdicts are left out."""
    entries = open_ledger(registry).read(name)
    return [entry.verb for entry in entries if entry.verb != "decision"]


def set_failpoint(name: str | None) -> None:
    """Make this process die at that line, or at none."""
    os.environ.pop("FAILPOINT", None)
    if name is not None:
        os.environ["FAILPOINT"] = name
