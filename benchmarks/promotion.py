"""In: a registry with versions. Out: how long a promotion holds the lock that others wait for.

    python -m benchmarks.promotion [PROMOTIONS]

Promotes toy bundles one after the other, in MLflow on SQLite and, where its programs are installed,
on a PostgreSQL of its own, and times the block under the lock. Ends with exit code 1 when the 99th
percentile is above the limit.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from unittest import mock

from benchmarks.postgres import temporary_postgres
from components.files import write_json, write_manifest
from components.registry import Registry, open_registry, promote, record_decision

LIMIT_MS: Final = 100.0
PROMOTIONS: Final = 300
NAME: Final = "benchmark"
QUANTILE: Final = 0.99


@contextlib.contextmanager
def timed_lock(lock: Callable[..., Any], held: list[float], *arguments: Any) -> Iterator[None]:  # noqa: ANN401
    """Take the lock as ever; write down how long it was held, in milliseconds."""
    with lock(*arguments):
        started = time.perf_counter()
        yield
        held.append(1000 * (time.perf_counter() - started))


def add_version(registry: Registry, folder: Path, number: int) -> dict[str, Any]:
    """Make a version whose bundle is one small file; return it as a verdict names it."""
    model = folder / "models" / str(number)
    bundle = model / "artifacts" / "bundle"
    write_json(bundle / "bundle.json", {"number": number})
    digest = write_manifest(bundle)
    entry = registry.client.create_model_version(
        NAME, source=str(model), tags={"touchstone.digest": digest}
    )
    return {"name": NAME, "version": int(entry.version), "digest": digest}


def measure(folder: Path, promotions: int) -> list[float]:
    """Promote one version after the other; return how long each held the lock, in milliseconds."""
    registry = open_registry(folder / ".state", 0)
    registry.client.create_registered_model(NAME)
    module: Any = importlib.import_module("components.registry.promote")
    held: list[float] = []
    champion = None
    with (
        mock.patch.object(
            module, "model_lock", functools.partial(timed_lock, module.model_lock, held)
        ),
        # The bundle is tried out before the lock is taken; these have no graph to try.
        mock.patch.object(module, "smoke"),
    ):
        for number in range(promotions):
            candidate = add_version(registry, folder, number)
            # As the newest version, it is what registering left it as.
            registry.client.set_registered_model_alias(NAME, "challenger", str(number + 1))
            verdict = {
                "verdict": "promote",
                "sentence": "measured",
                "evidence": {"candidate": candidate["digest"], "data": "", "champion": None},
                "candidate": candidate,
                "champion": champion,
            }
            record_decision(registry, verdict, {})
            promote(registry, verdict)
            champion = {"version": candidate["version"], "digest": candidate["digest"]}
    return held


def table(rows: list[tuple[str, list[float]]]) -> str:
    """Return the figures as a Markdown table."""
    head = ["MLflow and ledger on", "promotions", "p50", "p99", "most", "first"]
    lines = ["| " + " | ".join(head) + " |", "| --- " + "| ---: " * (len(head) - 1) + "|"]
    for where, held in rows:
        # The first one of a process also builds the statements that the later ones reuse.
        figures = [statistics.median(held), p99(held), max(held), held[0]]
        shown = " | ".join(f"{figure:.0f} ms" for figure in figures)
        lines.append(f"| {where} | {len(held)} | {shown} |")
    return "\n".join(lines)


def p99(held: list[float]) -> float:
    """Return the 99th percentile: the least that 99 % do not exceed."""
    return sorted(held)[min(len(held) - 1, int(QUANTILE * len(held)))]


def main(promotions: int) -> int:
    """Measure both databases; return the exit code."""
    rows = []
    with temporary_postgres() as url:
        for where, address in (("SQLite", ""), ("PostgreSQL", url and url("promotion", "psycopg"))):
            if address is None:
                print("PostgreSQL is not installed: initdb and pg_ctl were not found")
                continue
            os.environ["MLFLOW_TRACKING_URI"] = address
            folder = Path(tempfile.mkdtemp(prefix="promotion"))
            try:
                rows.append((where, measure(folder, promotions)))
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    print(table(rows))
    worst = max(p99(held) for _, held in rows)
    kept = worst <= LIMIT_MS
    print(f"\nlimit {LIMIT_MS:.0f} ms at the 99th percentile: {'kept' if kept else 'missed'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else PROMOTIONS))
