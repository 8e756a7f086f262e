"""In: the evaluation's and the parity's files. Out: what the registry shows of them, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from components.errors import IntegrityError
from components.files import read_json

ARTIFACTS: Final = ("trained", "onnx", "int8")


@dataclass(frozen=True)
class Reports:
    """What was measured.

    Attributes:
        trained: the evaluation of the torch checkpoint.
        onnx: of the fp32 graph.
        int8: of the graph that is served.
        parity: the comparison of the three, example by example.
    """

    trained: Mapping[str, Any]
    onnx: Mapping[str, Any]
    int8: Mapping[str, Any]
    parity: Mapping[str, Any]

    def each(self) -> dict[str, Mapping[str, Any]]:
        """Return the evaluations by the artifact's name."""
        return {"trained": self.trained, "onnx": self.onnx, "int8": self.int8}


def read_reports(evaluation: Path, parity: Path) -> Reports:
    """Read all reports.

    Raises:
        IntegrityError: one is missing, or is no JSON.
    """
    paths = [evaluation / f"{artifact}.json" for artifact in ARTIFACTS] + [parity]
    for path in paths:
        if not path.is_file():
            raise IntegrityError(f"{path} is missing", "run `dvc repro` to make it")
    return Reports(*(read_json(path) for path in paths))


def figures(reports: Reports) -> dict[str, float]:
    """Return the figures that MLflow keeps, as `<artifact>.<figure>` to value."""
    out: dict[str, float] = {}
    for artifact, report in reports.each().items():
        found = dict(report["metrics"]) | {
            "calibration_error": report["calibration"]["error"],
            "latency_p50_ms": report["latency"]["p50_ms"],
            "latency_p95_ms": report["latency"]["p95_ms"],
            "throughput_per_second": report["throughput_per_second"],
            "size_mb": report["size_bytes"] / 1e6,
        }
        told = {name: float(value) for name, value in found.items() if value is not None}
        out |= {f"{artifact}.{name}": value for name, value in told.items()}
    return out
