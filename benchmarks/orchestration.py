"""In: the project as it stands. Out: what orchestration costs per stage, beside the bare imports.

    python -m benchmarks.orchestration

Runs `dvc repro` in a copy, from nothing, then times a bare `python -c "import ..."` of what each
stage needs, on the same machine minutes later. A stage's own time is what Prefect recorded between
its running and its final state; everything else of the wall time is orchestration: DVC, the start
and end of Python, imports, Prefect's engine. The server that all stages share is up before they
start, as it is after `make up`; its boot is told apart.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Final

from benchmarks.memory import peak_memory
from flows.server import ensure_server, stop_server

LIMIT: Final = 1.3
ROUNDS: Final = 5
NOTHING_CHANGED_LIMIT: Final = 3.0
MEMORY_LIMIT: Final = 3.0
TORCH: Final = ("torch", "transformers", "accelerate")
# What a stage cannot do without; Prefect's engine is part of importing Prefect for a flow.
NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "ingest": ("pyarrow.parquet", "pandas"),
    "validate": ("pandas", "great_expectations"),
    "augment": ("pyarrow.parquet", "pandas"),
    "tokenize": ("pyarrow.parquet", "pandas", "tokenizers"),
    "search": (*TORCH, "optuna", "mlflow", "matplotlib.pyplot", "sklearn.ensemble"),
    "train": TORCH,
    "export": (*TORCH, "onnx", "onnxruntime"),
    "evaluate": (*TORCH, "onnxruntime", "matplotlib.pyplot"),
    "register": ("mlflow", "mlflow.pyfunc"),
    "gate": ("mlflow", "onnxruntime", "scipy.stats", "jinja2"),
}
PREFECT: Final = ("prefect", "prefect.flow_engine")


def copy_of(root: Path, to: Path) -> Path:
    """Copy what git would commit, as a new repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, to / name)
    subprocess.run(["git", "init", "-q"], cwd=to, check=True)
    return to


def bare_import(modules: tuple[str, ...]) -> float:
    """Return the seconds that a new Python takes to start and import these."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {', '.join(modules)}"], check=True)
    return time.perf_counter() - started


def repro(folder: Path) -> tuple[float, dict[str, float], dict[str, float]]:
    """Run the whole line; return its wall time, and per stage its wall time and its own."""
    lines: dict[str, float] = {}
    started = previous = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            verb = line.split(" ", 1)[0]
            if verb in NEEDS:
                now = time.perf_counter()
                lines[verb], previous = now - previous, now
    if process.returncode:
        raise SystemExit(f"dvc repro ended with {process.returncode}")
    wall = time.perf_counter() - started
    return wall, lines, own_times(folder)


def nothing_changed(folder: Path) -> float:
    """Return how much longer `dvc repro` takes than `dvc status`, medians of alternating runs."""
    seconds: dict[str, list[float]] = {"status": [], "repro": []}
    for _ in range(ROUNDS):
        for verb, found in seconds.items():
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "dvc", verb],
                cwd=folder,
                check=True,
                capture_output=True,
                text=True,
            )
            found.append(time.perf_counter() - started)
            if "up to date" not in done.stdout:
                raise SystemExit(f"dvc {verb} found a change: {done.stdout}")
    return statistics.median(seconds["repro"]) / statistics.median(seconds["status"])


def own_times(folder: Path) -> dict[str, float]:
    """Ask the run's own Prefect server how long each flow ran."""
    url = json.loads((folder / ".state/prefect/server.json").read_text())["url"]
    flows = {flow["id"]: flow["name"] for flow in post(f"{url}/flows/filter")}
    return {flows[run["flow_id"]]: run["total_run_time"] for run in post(f"{url}/flow_runs/filter")}


def post(url: str) -> list[dict[str, Any]]:
    """Return what a filter of Prefect's API answers."""
    request = urllib.request.Request(
        url, data=b'{"limit": 200}', headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        rows: list[dict[str, Any]] = json.load(answer)
    return rows


def main() -> int:
    """Print the table; exit 1 when orchestration costs more than the limit."""
    root = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as temporary:
        folder = copy_of(root, Path(temporary))
        os.environ["TOUCHSTONE_PRELOAD_BY_STAGE"] = json.dumps(
            {verb: [*modules] for verb, modules in NEEDS.items()}
        )
        try:
            started = time.perf_counter()
            ensure_server(folder / ".state")
            boot = time.perf_counter() - started
            with peak_memory(folder) as peak:
                wall, lines, own = repro(folder)
            again = nothing_changed(folder)
        finally:
            stop_server(folder / ".state")
    imports = {verb: bare_import((*PREFECT, *modules)) for verb, modules in NEEDS.items()}
    print(f"\n{'stage':<10}{'wall s':>9}{'own s':>9}{'rest s':>9}{'imports s':>11}{'ratio':>7}")
    for verb in NEEDS:
        rest = lines[verb] - own[verb]
        print(
            f"{verb:<10}{lines[verb]:>9.1f}{own[verb]:>9.1f}{rest:>9.1f}{imports[verb]:>11.1f}"
            f"{rest / imports[verb]:>7.2f}"
        )
    rest, bare = wall - sum(own[verb] for verb in NEEDS), sum(imports.values())
    print(
        f"{'all':<10}{wall:>9.1f}{wall - rest:>9.1f}{rest:>9.1f}{bare:>11.1f}{rest / bare:>7.2f}"
        f"   (limit {LIMIT})"
    )
    print(
        f"one server is shared by all stages and outlives them; its boot, once in a while, took "
        f"{boot:.1f} s"
    )
    held = peak.bytes / 2**30
    print(f"\nmost memory held at once: {held:.2f} GiB (limit {MEMORY_LIMIT:g})")
    print(
        f"`dvc repro` with nothing changed takes {again:.2f} times as long as `dvc status` "
        f"(limit {NOTHING_CHANGED_LIMIT:g})"
    )
    kept = (rest <= LIMIT * bare, again <= NOTHING_CHANGED_LIMIT, held <= MEMORY_LIMIT)
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
