"""In: the project as it stands. Out: the line reproduced, and its winner promoted if proved.

What the schedule runs. It names no stage of training: DVC knows which of them must run again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from prefect import flow, get_run_logger
from prefect.context import FlowRunContext

from components.errors import AWAY, TouchstoneError
from components.files import read_json
from components.ingestion import probe
from components.params import load_params
from components.registry import champion, open_registry, withdrawn
from flows.artifacts import publish
from flows.probe import SOURCE
from flows.promote import promote
from flows.stage import OUTCOME, PARAMS, PARENT, STATE, WAIT_SECONDS

VERDICT: Final = Path("registry/verdict.json")
# What DVC says between the stages' own lines, and that a reader of a release does not need.
NOISE: Final = ("> ", "Updating lock file", "Generating lock file", "Use `dvc push`", "To ", "\t")
# What names this release in git: the lock file, and what was decided on which grounds.
PUBLISHED: Final = (
    "dvc.lock",
    "data/source.json",
    "registry/receipt.json",
    "registry/verdict.json",
    "reports/parity.json",
)
# Where `make up` serves MLflow unless told otherwise.
LOCAL_BOOKS: Final = "http://127.0.0.1:5000"
# Seconds that an interrupted stage has to end by itself.
PATIENCE: Final = 20.0
STAGE: Final = "Running stage '"


@flow(validate_parameters=False)
def release(params: Path = PARAMS) -> str:
    """Look for new data, reproduce the line, read the verdict, and promote if it says so."""
    tree = load_params(params)
    for name in probe(tree.ingestion, SOURCE):
        tell(f"new data: {' '.join(name.split())}")
    reproduce([])
    registry = open_registry(STATE, WAIT_SECONDS)
    verdict = read_json(VERDICT)
    now = champion(registry, tree.project.name)
    if now is not None and now.digest == verdict["candidate"]["digest"]:
        return f"nothing new: version {now.version} of {tree.project.name} is the champion already"
    if (now.digest if now else None) != verdict["evidence"]["champion"]:
        verdict = decided_again()
    publish("verdict", f"**{verdict['verdict']}** {verdict['sentence']}", "The gate's verdict")
    tell(where_to_look(tree.project.name, verdict["candidate"]["version"]))
    if verdict["verdict"] != "promote":
        return str(verdict["sentence"])
    if (back := withdrawn(registry, verdict)) is not None:
        return (
            f"nothing new: version {verdict['candidate']['version']} of {tree.project.name} was "
            f"rolled back on {back.at[:10]}; only `rollback --to` brings it back"
        )
    sentence = promote(VERDICT)
    if tree.release.publish:
        publish_lock(verdict)
    return f"{verdict['sentence']} {sentence[:1].upper()}{sentence[1:]}."


def decided_again() -> dict[str, Any]:
    """Return the verdict against the champion of now: the one it was about is none any more."""
    reproduce(["--single-item", "--force", "register"])
    reproduce(["gate"])
    verdict: dict[str, Any] = read_json(VERDICT)
    return verdict


def tell(text: str) -> None:
    """Say it on the terminal, and in the run's log in Prefect."""
    print(text, flush=True)
    get_run_logger().info(text)


def where_to_look(name: str, version: int) -> str:
    """Return what can be opened now, one place a line."""
    context = FlowRunContext.get()
    prefect = os.environ.get("PREFECT_API_URL", "").removesuffix("/api")
    run = context.flow_run.id if context and context.flow_run else ""
    books = os.environ.get("MLFLOW_TRACKING_URI", "")
    page = f"#/models/{name}/versions/{version}"
    served = books.startswith("http")
    return (
        "\n  gate report  reports/gate.html\n"
        "  data         reports/data.html\n"
        "  Data Docs    reports/validation/index.html\n"
        f"  Prefect      {prefect}/runs/flow-run/{run}\n"
        "  MLflow       "
        + (f"{books}/{page}" if served else f"`make up`, then {LOCAL_BOOKS}/{page}")
        + "\n"
    )


def reproduce(arguments: Sequence[str]) -> None:
    """Run `dvc repro` as a child whose stages become subflows of this run.

    Raises:
        TouchstoneError: a stage failed; it has said why.
    """
    context = FlowRunContext.get()
    environment = {
        **os.environ,
        # Stages are run as `python -m flows`, which shall be the Python that runs this.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        **({PARENT: str(context.flow_run.id)} if context and context.flow_run else {}),
    }
    stage = ""
    with TemporaryDirectory() as scratch:
        outcome = Path(scratch) / "outcome"
        environment[OUTCOME] = str(outcome)
        with child_of([sys.executable, "-m", "dvc", "repro", *arguments], environment) as child:
            for line in child.stdout or ():
                if line.startswith(STAGE):
                    stage = line.removeprefix(STAGE).split("'")[0]
                elif line.strip() and not line.startswith(NOISE):
                    tell(line.rstrip())
        code = outcome.read_text(encoding="ascii") if outcome.exists() else ""
    if child.returncode:
        raise stopped(stage, code)


def stopped(stage: str, code: str) -> TouchstoneError:
    """Return the error of a line that stopped at a stage, which ended with this exit code."""
    error = TouchstoneError(
        f"the line stopped at {stage or 'DVC'}; what is wrong stands above",
        "mend it and run the same command again: finished stages are not repeated",
    )
    if code == str(AWAY):
        # Nothing is to be mended: whoever runs releases may run this one again.
        error.exit_code = AWAY
    return error


@contextmanager
def child_of(
    command: Sequence[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Run a command that ends with this block, and all that it started with it."""
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        try:
            yield child
        except BaseException:
            # As Ctrl-C would: a stage ends at a point from which it can go on.
            os.killpg(child.pid, signal.SIGINT)
            try:
                child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
            raise


def publish_lock(verdict: Mapping[str, Any]) -> None:
    """Push the data and models of this release, and commit the lock file that names them.

    Raises:
        TouchstoneError: there is no remote, or git refuses.
    """
    candidate = verdict["candidate"]
    message = (
        f"Release {candidate['name']} version {candidate['version']}\n\n"
        f"Lineage: {candidate['lineage']}\nDigest: {candidate['digest']}\n"
    )
    _check([sys.executable, "-m", "dvc", "push", "--quiet"], "`dvc remote add -d` names a remote")
    _check(["git", "add", "--", *PUBLISHED], "run in a clone of git")
    if subprocess.run(
        ["git", "diff", "--cached", "--quiet", "--", *PUBLISHED], check=False
    ).returncode:
        _check(
            ["git", "commit", "--quiet", "--message", message, "--", *PUBLISHED],
            "`git config user.email` must be set where releases run",
        )


def _check(command: Sequence[str], cure: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise TouchstoneError(f"release.publish: {' '.join(reason)}", cure)
