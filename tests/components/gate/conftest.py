"""In: toy bundles. Out: a bench on which candidates meet champions."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from components.files import verify_manifest
from components.gate import Champion, Evidence
from components.params import GateParams


@dataclass
class Bench:
    """Makes evidence; each test may spoil it its own way."""

    root: Path
    data: Path
    bundle: Callable[..., Path]
    reports: Callable[..., tuple[Path, Path]]
    made: dict[str, Path] = field(default_factory=dict)

    def make(self, name: str, votes: Mapping[str, int] | None = None, **more: Any) -> Path:
        if name not in self.made:
            self.made[name] = self.bundle(self.root / "bundles" / name, votes, lineage=name, **more)
        return self.made[name]

    def evidence(self, out: Path, candidate: Path, champion: Path | None) -> Evidence:
        evaluation, parity = self.reports(candidate, self.data, out)
        receipt = {"name": "toy", "version": 4, "digest": verify_manifest(candidate)}
        return Evidence(
            candidate=candidate,
            champion=Champion(3, champion) if champion else None,
            examples=self.data / "test.parquet",
            evaluation=evaluation,
            parity=parity,
            receipt=receipt,
            batch_size=32,
        )

    def copy(self, bundle: Path, out: Path) -> Path:
        return Path(shutil.copytree(bundle, out))


@pytest.fixture(scope="session")
def bench(
    tmp_path_factory: pytest.TempPathFactory,
    toy_bundle: Callable[..., Path],
    toy_data: Callable[..., Path],
    toy_reports: Callable[..., tuple[Path, Path]],
) -> Bench:
    root = tmp_path_factory.mktemp("gate")
    return Bench(root, toy_data(root / "data", wrong=0.05), toy_bundle, toy_reports)


@pytest.fixture(scope="session")
def params() -> GateParams:
    floors = {
        "accuracy": 0.5,
        "macro_f1": 0.5,
        "calibration_error": 0.15,
        "int8_loss": 0.01,
        "latency_p95_ms": 200.0,
        "size_mb": 100.0,
    }
    return GateParams.model_validate(
        {
            "promote_when": "superior",
            "margin": 0.02,
            "confidence": 0.95,
            "resamples": 1000,
            "floors": floors,
        }
    )
