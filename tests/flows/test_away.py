"""In: the whole line. Out: each of its stages, with a backend away in its middle; nothing lost.

The long form of what is away for 5, 60 and 300 seconds, run by hand: `pytest -m chaos`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from components.errors import AWAY
from components.registry import Registry, champion, open_ledger, open_registry
from tests.flows.projects import STAGES, command
from tests.reliability.link import Link, link_to
from tests.reliability.servers import Database, mlflow

# Those that ask the registry and the ledger; the rest only makes files.
ASKING = ("search", "register", "gate", "promote")
PATIENCE = 120
Outage = Callable[[], None]


class Drill:
    """A copy of the project whose stages run one by one, each with an outage in its middle."""

    def __init__(self, folder: Path, environment: Mapping[str, str], link: Link) -> None:
        self.folder = folder
        self.environment = {**os.environ, **environment, "TOUCHSTONE_PATIENCE": str(PATIENCE)}
        self.link = link

    def stage(self, verb: str) -> int:
        """Run a stage as DVC does; return its exit code."""
        arguments = command(verb) if verb in STAGES else [verb]
        with (self.folder / "stderr").open("ab") as said:
            return subprocess.run(
                [sys.executable, "-m", "flows", *arguments],
                cwd=self.folder,
                env=self.environment,
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=said,
            ).returncode

    def struck(self, verb: str, at: int, seconds: float, outage: tuple[Outage, Outage]) -> None:
        """Run a stage whose backend goes away at a request; and again, when that ended it."""
        away, back = outage
        struck, ended = threading.Event(), threading.Event()

        def strike() -> None:
            struck.wait()
            away()
            ended.wait(seconds)
            back()

        def look(place: int) -> None:
            if place == at:
                struck.set()

        self.link.asked.clear()
        self.link.seen = look
        watcher = threading.Thread(target=strike)
        watcher.start()
        began = time.monotonic()
        code = self.stage(verb)
        took = time.monotonic() - began
        ended.set()
        hit = struck.is_set()
        struck.set()
        watcher.join()
        self.link.seen = lambda place: None
        again = self.stage(verb) if code == AWAY else None
        row = {"stage": verb, "away": seconds, "at": at, "hit": hit, "code": code, "again": again}
        tell(row | {"seconds": round(took, 1)})
        said = (self.folder / "stderr").read_text()
        assert hit, row
        assert "Traceback" not in said, said[-3000:]
        # Longer than the patience: what was done already stands, what was not ends cleanly.
        assert code in ((0, AWAY) if seconds > PATIENCE else (0,)), said[-3000:]
        assert again in (None, 0), said[-3000:]


def tell(row: Mapping[str, Any]) -> None:
    """Print a row of what happened, for whoever reads the figures."""
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def kept(registry: Registry, name: str) -> dict[str, Any]:
    """Count what stands in the books."""
    client = registry.client
    where = [client.get_experiment_by_name(name).experiment_id]
    runs = client.search_runs(where, max_results=1000)
    now = champion(registry, name)
    verbs = [entry.verb for entry in open_ledger(registry).read(name)]
    return {
        "runs": len(runs),
        "points": sum(
            len(client.get_metric_history(run.info.run_id, metric))
            for run in runs
            for metric in run.data.metrics
        ),
        "models": len(client.search_logged_models(where)),
        "versions": len(client.search_model_versions(f"name = '{name}'")),
        "champion": now.version if now else None,
        "decisions": verbs.count("decision"),
        "moves": verbs.count("done"),
        "problems": open_ledger(registry).verify(),
    }


@pytest.fixture(scope="module")
def begun(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose files are all made, and whose books are empty."""
    folder = tmp_path_factory.mktemp("begun") / "project"
    shutil.copytree(finished, folder)
    shutil.rmtree(folder / ".state")
    return folder


@pytest.fixture(scope="module")
def undisturbed(
    begun: Path, prefect_server: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], dict[str, int]]:
    """What stands in the books when nothing was away, and how often each stage asks."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with ExitStack() as stack:
        drill, _ = drill_in(stack, begun, folder, "")
        asked = {}
        for verb in ASKING:
            drill.link.asked.clear()
            assert drill.stage(verb) == 0, (drill.folder / "stderr").read_text()
            asked[verb] = len(drill.link.asked)
        return books_of(drill), asked


def drill_in(stack: ExitStack, begun: Path, folder: Path, database: str) -> tuple[Drill, Link]:
    """Return a drill over a line to an MLflow of its own."""
    project = Path(shutil.copytree(begun, folder / "project"))
    books = stack.enter_context(mlflow(folder / "mlflow", database))
    link = stack.enter_context(link_to(books.url))
    environment = {"MLFLOW_TRACKING_URI": link.url}
    if database:
        environment["TOUCHSTONE_LEDGER"] = database
    return Drill(project, environment, link), link


def books_of(drill: Drill) -> dict[str, Any]:
    """Count what a drill left."""
    receipt = json.loads((drill.folder / "registry/receipt.json").read_text())
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "TOUCHSTONE_LEDGER"):
            if name in drill.environment:
                patch.setenv(name, drill.environment[name])
        return kept(open_registry(drill.folder / ".state", 60), receipt["name"])


@pytest.mark.chaos
@pytest.mark.parametrize("seconds", [5, 60, 300])
@pytest.mark.parametrize("which", ["mlflow", "postgresql"])
def test_no_point_is_missing_when_the_books_were_away_in_every_stage(
    begun: Path,
    undisturbed: tuple[dict[str, Any], dict[str, int]],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    which: str,
    seconds: float,
) -> None:
    expected, asked = undisturbed
    draw = random.Random(seconds)
    url = ""
    if which == "postgresql":
        url = request.getfixturevalue("postgres_url")(f"away{seconds}", "psycopg")
    with ExitStack() as stack:
        drill, link = drill_in(stack, begun, tmp_path, url)
        away: Outage = lambda: link.breaks("before")  # noqa: E731
        back: Outage = link.mends
        if url:
            database = Database(url)
            away, back = database.stop, database.start
        for verb in ASKING:
            # Not the last one: what is asked of nobody any more cannot be missed.
            drill.struck(verb, draw.randrange(asked[verb] - 1), seconds, (away, back))
        found = books_of(drill)
    tell({"which": which, "expected": expected, "found": found})
    assert found == expected


@pytest.mark.chaos
@pytest.mark.parametrize("seconds", [5, 60, 300])
@pytest.mark.parametrize("verb", [*STAGES, "promote"])
def test_every_stage_outlives_a_prefect_server_that_was_away(
    finished: Path,
    prefect_server: str,
    tmp_path: Path,
    verb: str,
    seconds: float,
) -> None:
    project = Path(shutil.copytree(finished, tmp_path / "project"))
    with link_to(prefect_server) as link:
        drill = Drill(project, {"PREFECT_API_URL": link.url}, link)
        at = random.Random(f"{verb}{seconds}").randrange(2, 8)
        drill.struck(verb, at, seconds, (lambda: link.breaks("before"), link.mends))
