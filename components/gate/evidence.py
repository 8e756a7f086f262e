"""In: paths of bundles, examples and reports. Out: what the gate looks at, and one key for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from components.errors import DataError, TouchstoneError
from components.files import read_json, sha256_file, sha256_json, verify_manifest
from components.lineage import ROOT, code_digest
from components.params import GateParams
from components.records import CARD, read_examples, split_path
from components.tasks.base import Example

ARTIFACTS: Final = ("trained", "onnx", "int8")
SERVED: Final = "int8"
PREDICTIONS: Final = "predictions.parquet"
RESULT: Final = "result.json"
# What a report says of the answers; its times differ from run to run and prove nothing.
PROVEN: Final = (
    "artifact",
    "digest",
    "split",
    "data",
    "rows",
    "metrics",
    "confusion",
    "calibration",
)
RECEIPT: Final = ("name", "version", "digest")


@dataclass(frozen=True)
class Bundles:
    """The candidate as all three artifacts.

    Attributes:
        trained: the torch model.
        onnx: its graph in fp32.
        int8: the bundle that would be served.
    """

    trained: Path
    onnx: Path
    int8: Path

    def each(self) -> dict[str, Path]:
        """Return the folders by artifact."""
        return {"trained": self.trained, "onnx": self.onnx, "int8": self.int8}


@dataclass(frozen=True)
class Champion:
    """The version in production.

    Attributes:
        version: its number in the registry.
        bundle: its folder, fetched from there.
        profile: of the data that it was made from, or None where it was not kept.
    """

    version: int
    bundle: Path
    profile: Mapping[str, Any] | None


@dataclass(frozen=True)
class Reports:
    """What earlier stages told; no figure of theirs is trusted.

    Attributes:
        evaluation: folder with a report for each artifact, and the predictions.
        validation: folder with the result of the data's validation.
        receipt: of the candidate's registration.
        finalists: what the search's best trials scored with several seeds, or None.
    """

    evaluation: Path
    validation: Path
    receipt: Mapping[str, Any]
    finalists: Mapping[str, Any] | None

    @cached_property
    def by_artifact(self) -> dict[str, Mapping[str, Any]]:
        """The reports of the evaluation; empty where one is missing or unreadable."""
        return {name: read(self.evaluation / f"{name}.json") for name in ARTIFACTS}


@dataclass(frozen=True)
class Evidence:
    """What the gate looks at.

    Attributes:
        bundles: the candidate.
        champion: the version in production, or None when there is none yet.
        data: folder with the splits as validated; its test split is what is judged on.
        augmented: folder with the rows that were trained on.
        reports: of the stages before.
    """

    bundles: Bundles
    champion: Champion | None
    data: Path
    augmented: Path
    reports: Reports

    @property
    def test(self) -> Path:
        """The Parquet file of the test split."""
        return split_path(self.data, "test")


@dataclass(frozen=True)
class Settings:
    """How the gate predicts and draws.

    Attributes:
        seed: of the gate's random choices.
        batch_size: the evaluation's, so that answers which depend on it agree.
        bins: of the calibration error.
    """

    seed: int
    batch_size: int
    bins: int


def evidence_key(params: GateParams, evidence: Evidence) -> dict[str, Any]:
    """Return digests of all that a decision stands on, without predicting anything.

    Equal keys deserve one decision: a second one could only differ by how fast the machine was.

    Raises:
        DataError: the test examples are missing.
        IntegrityError: a bundle was altered.
    """
    champion = evidence.champion
    return {
        "candidate": verify_manifest(evidence.bundles.int8),
        "champion": verify_manifest(champion.bundle) if champion else None,
        "data": _sha256(evidence.test) or _absent(evidence.test),
        "params": sha256_json(params.model_dump(mode="json")),
        "code": code_digest(ROOT),
        "reports": _told(params, evidence),
    }


def read_test(evidence: Evidence) -> list[Example]:
    """Read the test examples.

    Raises:
        DataError: the file is absent, damaged or empty.
    """
    rows = read_examples(evidence.data, "test")
    if not rows:
        raise DataError(
            f"{evidence.test} has no rows: nothing can be judged", "give ingestion a test split"
        )
    return rows


def read(path: Path) -> Mapping[str, Any]:
    """Return a report, or nothing where it is missing or unreadable: its rules will say so."""
    try:
        value = read_json(path)
    except (TouchstoneError, OSError):
        return {}
    return value if isinstance(value, dict) else {}


def _told(params: GateParams, evidence: Evidence) -> str:
    """Return one digest of what the evidence rules read: mended reports are judged again."""
    reports, bundles = evidence.reports, evidence.bundles
    champion = evidence.champion
    parts = {
        "trained": verify_manifest(bundles.trained),
        "onnx": verify_manifest(bundles.onnx),
        "receipt": {name: reports.receipt.get(name) for name in RECEIPT},
        "reports": {
            artifact: {name: report.get(name) for name in PROVEN}
            for artifact, report in reports.by_artifact.items()
        },
        "predictions": _sha256(reports.evaluation / PREDICTIONS),
        "validation": _sha256(reports.validation / RESULT),
        "card": read(evidence.data / CARD),
        "augmented": read(evidence.augmented / CARD),
        "profile": champion.profile if champion else None,
        "finalists": reports.finalists,
        "lexicon": _sha256(Path(params.robustness.lexicon)),
    }
    # A report may hold NaN, which is no JSON and yet has to be told from other values.
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _sha256(path: Path) -> str | None:
    return sha256_file(path) if path.is_file() else None


def _absent(path: Path) -> str:
    raise DataError(f"{path} cannot be read: there is no such file", "run `dvc repro` to make it")
