"""In: nothing. Out: seconds and peak memory of the whole gate at full size, beyond predicting.

    python -m benchmarks.gate_cost [--json]

The flow of the gate judges the project that `benchmarks.judged` makes: 10,000 test examples of 77
labels in 50 slices, against a champion, with 10,000 resamples and 50,000 training rows. All that it
does counts, from reading the registry to the page and the ledger, but for asking models for
answers, and for importing libraries, which takes as long at any size; both are told. Ends with 1
when a limit is missed. Where others use the cores, the processor's time tells more than the wall's.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from unittest import mock

from benchmarks.clock import Clock
from benchmarks.judged import parameters
from flows.stage import flow_of

SECONDS: Final = 20.0
GIB: Final = 1.0
RENDERED: Final = 2.0
MEGABYTES: Final = 2.0
RENDERS: Final = 2
PREDICTING: Final = "predicting"
IMPORTING: Final = "importing libraries"
# Asked for within functions, where they are needed.
LIBRARIES: Final = ("flows.gate", "mlflow", "torch", "transformers.models.bert.modeling_bert")
ALL: Final = "all of it, but for the first two"
REPORT: Final = "report, written twice"
PARTS: Final = {
    "components.inference.predictor:Predictor.logits": PREDICTING,
    "components.gate.decide:paired_latency": PREDICTING,
    "components.gate.answers:load_predictor": "verifying and opening bundles",
    "components.gate.decide:load_predictor": "verifying and opening bundles",
    "flows.gate:evidence_key": "digests of the evidence",
    "components.gate.decide:evidence_key": "digests of the evidence",
    "components.gate.decide:ask_candidate": "answers and parity",
    "components.gate.decide:ask": "answers and parity",
    "components.gate.decide:_drawn": "resampling: scores, slices, all that has an interval",
    "components.gate.decide:compare_slices": "slices",
    "components.gate.figures:leaks": "leakage",
    "components.gate.decide:robustness": "robustness",
    "components.gate.decide:difference": "difference of the data",
    "components.gate.decide:genuine": "evidence rules",
    "components.gate.decide:reported": "evidence rules",
    "flows.gate:write_report": REPORT,
    "flows.gate:today_s_champion": "registry and ledger",
    "flows.gate:open_registry": "registry and ledger",
    "flows.gate:decided": "registry and ledger",
    "flows.gate:asked_of_the_books": "registry and ledger",
    "flows.gate:record_decision": "registry and ledger",
    "flows.gate:attach": "registry and ledger",
}


def main() -> int:
    """Make the project, judge it in a process of its own, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures alone")
    parser.add_argument("--judge", type=Path, help="judge the project in this folder")
    given = parser.parse_args()
    if given.judge:
        print(json.dumps(judge(given.judge)))
        return 0
    found = measure()
    print(json.dumps(found) if given.json else table(found))
    return int(bool(missed(found)))


def measure() -> dict[str, Any]:
    """Return parts with their seconds, the most memory, and the page's weight."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "project"
        for module, *arguments in (
            ("benchmarks.judged", str(folder)),
            ("benchmarks.gate_cost", "--judge", str(folder)),
        ):
            command = [sys.executable, "-m", module, *arguments]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def judge(folder: Path) -> dict[str, Any]:
    """Run the gate's flow on a project, and return what it took."""
    params, clock = parameters(), Clock()
    with clock.part(IMPORTING):
        for name in LIBRARIES:
            importlib.import_module(name)
    gate = flow_of("gate").fn
    os.chdir(folder)
    paths = {
        **{name: Path("candidate", name) for name in ("trained", "onnx", "int8", "validation")},
        "examples": Path("data/valid"),
        "augmented": Path("data/augmented"),
        "survey": Path("data.json"),
        "search": Path("search"),
        "reports": Path("candidate/evaluation"),
        "receipt": Path("candidate/receipt.json"),
        "verdict": Path("verdict.json"),
        "report": Path("gate.html"),
        "markdown": Path("gate.md"),
    }
    paths["survey"].write_text("{}")  # hangs beside the report, and decides nothing
    # What is shown beside the run is Prefect's.
    with mock.patch("flows.gate.publish"), clock.watching(PARTS), clock.part("the rest"):
        sentence = gate(params.project, params.evaluation, params.gate, **paths)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB on Linux, bytes on macOS
    return {
        "sentence": sentence,
        "parts": {name: asdict(spent) for name, spent in clock.parts.items()},
        "gib": peak / (2**20 if sys.platform != "darwin" else 2**30),
        "megabytes": paths["report"].stat().st_size / 1e6,
    }


def counted(found: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return the parts that count, the slowest first."""
    parts = sorted(found["parts"].items(), key=lambda part: -part[1]["cpu"])
    return {name: part for name, part in parts if name not in {PREDICTING, IMPORTING}}


def limits(found: dict[str, Any]) -> list[tuple[str, float, float, str]]:
    """Return what is limited: its name, the figure, the most it may be, and their unit."""
    seconds = sum(part["wall"] for part in counted(found).values())
    rendered = found["parts"][REPORT]["wall"] / RENDERS
    return [
        ("seconds beyond predicting and importing", seconds, SECONDS, "s"),
        ("peak memory of the process, all included", found["gib"], GIB, "GiB"),
        ("one report", rendered, RENDERED, "s"),
        ("weight of the page", found["megabytes"], MEGABYTES, "MB"),
    ]


def missed(found: dict[str, Any]) -> list[str]:
    """Return the names of the limits that are not kept."""
    return [name for name, figure, most, _ in limits(found) if not figure <= most]


def table(found: dict[str, Any]) -> str:
    """Return the figures as a table: what does not count, the parts, and what is limited."""
    parts = counted(found)
    total = {kind: sum(part[kind] for part in parts.values()) for kind in ("wall", "cpu")}
    apart = {name: found["parts"][name] for name in (IMPORTING, PREDICTING)}
    lines = [found["sentence"], "", f"{'seconds':<44}{'wall':>8}{'processor':>12}"]
    for name, spent in {**apart, **parts, ALL: total}.items():
        lines.append(f"{name:<44}{spent['wall']:>8.2f}{spent['cpu']:>12.2f}")
    lines.append("")
    for name, figure, most, unit in limits(found):
        told = f"{figure:.2f} {unit}"
        judged = "holds" if figure <= most else "MISSED"
        lines.append(f"{name:<44}{told:>10}   <= {most:g} {unit:<4} {judged}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
