"""In: toy bundles. Out: a bench on which candidates meet champions, and the verdicts they get."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from components.files import read_json, sha256_json, verify_manifest
from components.gate import Bundles, Champion, Evidence, Reports, Settings, decide
from components.params import GateParams
from components.records import read_split, write_card, write_split
from components.schema import EDIT, PARENT_ID, SPLITS

# With five key words in turn, moving one word's vote makes a fifth of the answers wrong.
ONE_WRONG = {"odd": 1}
OTHER_WRONG = {"even": 0}
TODAY = date(2026, 3, 1)
SETTINGS = Settings(seed=7, batch_size=32, bins=10)


@dataclass
class Bench:
    """Makes evidence; each test may spoil it its own way."""

    root: Path
    data: Path
    augmented: Path
    bundle: Callable[..., Path]
    trained: Callable[..., Path]
    reports: Callable[..., tuple[Path, Path]]
    made: dict[str, Bundles] = field(default_factory=dict)

    def make(self, name: str, votes: Mapping[str, int] | None = None, **more: Any) -> Bundles:
        """Return a candidate's three bundles, made once for all tests."""
        if name not in self.made:
            folder, more = self.root / "bundles" / name, {"lineage": name, **more}
            self.made[name] = Bundles(
                trained=self.trained(folder / "trained", votes, **more),
                onnx=self.bundle(folder / "onnx", votes, artifact="onnx", **more),
                int8=self.bundle(folder / "int8", votes, **more),
            )
        return self.made[name]

    def evidence(self, out: Path, candidate: Bundles, champion: Bundles | None) -> Evidence:
        evaluation, _ = self.reports(candidate.int8, self.data, out, candidate.each())
        digest = verify_manifest(candidate.int8)
        return Evidence(
            bundles=candidate,
            champion=Champion(3, champion.int8, None) if champion else None,
            data=self.data,
            augmented=self.augmented,
            reports=Reports(
                evaluation=evaluation,
                validation=out / "validation",
                receipt={"name": "toy", "version": 4, "digest": digest},
                finalists=None,
            ),
        )

    def copy(self, bundle: Path, out: Path) -> Path:
        return Path(shutil.copytree(bundle, out))

    def with_data(self, evidence: Evidence, out: Path) -> Evidence:
        """Return the evidence with data folders of its own, for tests that spoil them."""
        data, augmented = (
            self.copy(folder, out / name)
            for folder, name in ((evidence.data, "data"), (evidence.augmented, "augmented"))
        )
        return replace(evidence, data=data, augmented=augmented)


@pytest.fixture(scope="session")
def bench(
    tmp_path_factory: pytest.TempPathFactory,
    toy_bundle: Callable[..., Path],
    toy_trained: Callable[..., Path],
    toy_data: Callable[..., Path],
    toy_reports: Callable[..., tuple[Path, Path]],
) -> Bench:
    root = tmp_path_factory.mktemp("gate")
    data = toy_data(root / "data", wrong=0.05)
    return Bench(
        root, data, augment(data, root / "augmented"), toy_bundle, toy_trained, toy_reports
    )


def augment(data: Path, out: Path) -> Path:
    """Write the training rows as `augment` does: each with its parent's id and the edit's name."""
    for split in SPLITS:
        table = read_split(data, split)
        nothing = pa.nulls(len(table), pa.string())
        table = table.append_column(PARENT_ID, nothing).append_column(EDIT, nothing)
        write_split(out, split, table)
    write_card(out, data=read_json(data / "card.json")["data"])
    return out


def without_time(verdict: Mapping[str, Any]) -> str:
    """Return a digest of a verdict but for what differs from run to run."""
    timed = {"decided_at", "latency", "rules"}
    rules = [rule for rule in verdict["rules"] if not rule["name"].startswith("latency")]
    return sha256_json({**{k: v for k, v in verdict.items() if k not in timed}, "rules": rules})


def params_of(**changes: Any) -> GateParams:
    """Return the gate's params for toy models: limits that they keep, with values laid over."""
    tree: dict[str, Any] = {
        "promote_when": "superior",
        "margin": 0.02,
        "confidence": 0.95,
        "resamples": 1000,
        "slices": {"min_rows": 50, "margin": 0.3},
        "floors": {"accuracy": 0.5, "macro_f1": 0.5},
        "ceilings": {
            "calibration_error": 0.5,
            "accuracy_loss": 0.01,
            "broken_share": 0.03,
            "batch_dependent": 0,
            "near_copy_share": 0.05,
            "latency_p95_ms": 10_000.0,
            "latency_ratio": 1000.0,
            "size_mb": 100.0,
            "size_ratio": 1.5,
        },
        "robustness": {
            "rows": 100,
            "typo": 0.1,
            "case": 0.8,
            "punctuation": 0.8,
            "words": 0.8,
            "lexicon": "components/gate/groups.json",
        },
        "waivers": [],
    }
    for name, value in changes.items():
        tree[name] = {**tree[name], **value} if isinstance(tree[name], dict) else value
    return GateParams.model_validate(tree)


@pytest.fixture(scope="session")
def params() -> GateParams:
    return params_of()


@pytest.fixture(scope="session")
def verdicts(
    bench: Bench, params: GateParams, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Return a small real verdict of each word, by the word."""
    root = tmp_path_factory.mktemp("verdicts")
    good, poor = bench.make("good"), bench.make("poor", ONE_WRONG)
    meet = {
        "promote": (good, poor),
        "hold": (poor, good),
        "undecidable": (poor, bench.make("other", OTHER_WRONG)),
    }
    found = {
        word: decide(params, bench.evidence(root / word, *pair), SETTINGS, TODAY)
        for word, pair in meet.items()
    }
    return {word: json.loads(json.dumps(verdict)) for word, verdict in found.items()}
