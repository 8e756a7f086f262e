"""In: rounds of candidates. Out: as many processes that promote them at once, some killed midway.

    python -m tests.reliability.promoter FOLDER PROMOTERS ROUNDS KILLED SEED

Prints JSON of what happened. Each candidate has a quality that stands in for the gate: one that is
better than the verdict's champion is promoted. Every round's candidates are better than all before,
so that there is something to win in each. A promoter that was killed is started again, as DVC or a
person would; after each round the champion must be the best of all candidates so far, and the
ledger must replay to the alias.
"""

from __future__ import annotations

import gc
import json
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from components.errors import PromotionError
from components.files import write_manifest
from components.registry import Registry, Seen, champion, open_ledger, open_registry, promote
from components.registry.moves import read_standing
from tests.candidates import add_model, add_version, make_model, record, set_failpoint, verdict_on

NAME: Final = "tickets"
FAILPOINTS: Final = ("ledger.appended", "move.intent", "move.alias", "move.done")
Quality = Mapping[int, float]


def bring(registry: Registry, candidate: Seen, quality: Quality) -> None:
    """Judge and promote, until the candidate is champion or is held against a better one."""
    while True:
        verdict = verdict_on(registry, NAME, candidate)
        now = verdict["champion"]
        if now and now["version"] == candidate.version:
            return
        if now and quality[now["version"]] > quality[candidate.version]:
            verdict["verdict"] = "hold"
        verdict = record(registry, verdict)
        if verdict["verdict"] == "hold":
            return
        try:
            promote(registry, verdict)
            return
        except PromotionError as error:
            if "stale" not in error.what:
                raise


def in_child(work: Callable[[], None]) -> int:
    """Start a process that does this work; return its id."""
    pid = os.fork()
    if pid:
        return pid
    # A child must not run on in its parent's code, whatever happens in it.
    code = 1
    try:
        work()
        code = 0
    except BaseException as error:
        sys.stderr.write(f"{error!r}\n")
        sys.stderr.flush()
    finally:
        os._exit(code)


def play_round(
    registry: Registry, candidates: list[Seen], quality: Quality, dies: list[str | None]
) -> tuple[int, int]:
    """Run all promoters of a round; return how many were killed, and how many failed."""
    killed = failed = 0
    waiting = dict(enumerate(dies))
    while waiting:
        children = {}
        for place, failpoint in waiting.items():

            def work(candidate: Seen = candidates[place], name: str | None = failpoint) -> None:
                set_failpoint(name)
                bring(registry, candidate, quality)

            children[in_child(work)] = place
        waiting = {}
        for pid, place in children.items():
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            if code == -signal.SIGKILL:
                killed += 1
                waiting[place] = None
            failed += code not in {0, -signal.SIGKILL}
    return killed, failed


def main(folder: Path, promoters: int, rounds: int, share: float, seed: int) -> dict[str, object]:
    """Play all rounds in a fresh registry; return what happened."""
    random.seed(seed)
    registry = open_registry(folder / ".state", 0)
    add_model(registry, NAME)
    base = make_model(folder / "base", "promoters")
    quality: dict[int, float] = {}
    told = {"rounds": rounds, "brought": 0, "killed": 0, "failed": 0, "not the best": 0}
    told |= {"replays to another": 0}
    # Once in this process, so that a fork finds every statement compiled.
    first = _version(registry, base, folder, rounds * promoters)
    quality[first.version] = -1.0
    bring(registry, first, quality)
    _end_threads()
    started = time.monotonic()
    for number in range(rounds):
        candidates = []
        for place in range(promoters):
            candidates.append(_version(registry, base, folder, number * promoters + place))
            quality[candidates[-1].version] = number + random.random()
        dies = [random.choice(FAILPOINTS) if random.random() < share else None for _ in candidates]
        killed, failed = play_round(registry, candidates, quality, dies)
        now = champion(registry, NAME)
        best = max(quality, key=lambda version: quality[version])
        told["brought"] += promoters
        told["killed"] += killed
        told["failed"] += failed
        told["not the best"] += now is None or now.version != best
        standing = read_standing(open_ledger(registry), NAME)
        told["replays to another"] += standing.champion != now and standing.open is None
        shutil.rmtree(registry.state / "bundles", ignore_errors=True)
    verbs = [entry.verb for entry in open_ledger(registry).read(NAME)]
    return {
        **told,
        "promotions": verbs.count("done"),
        "abandoned": verbs.count("abandoned"),
        "by hand": verbs.count("by hand"),
        "problems": open_ledger(registry).verify(),
        "seconds": round(time.monotonic() - started, 1),
    }


def _end_threads() -> None:
    """Wait for MLflow's download threads, which end with their repository: a fork has none."""
    gc.collect()
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join(10)
    assert threading.active_count() == 1, f"a fork would lose {threading.enumerate()}"
    # A collection in a child would copy the pages of all that it looks at.
    gc.freeze()


def _version(registry: Registry, base: Path, folder: Path, number: int) -> Seen:
    """Make a version of other bytes and the same answers."""
    model = Path(shutil.copytree(base, folder / "models" / str(number)))
    bundle = model / "artifacts" / "bundle"
    with (bundle / "tokenizer.json").open("a") as file:
        file.write(" " * (number + 1))
    return add_version(registry, NAME, model, write_manifest(bundle))


def ready_to_fork() -> None:
    """Import what every child needs, and keep no connection, which a fork would break for both."""
    import mlflow.artifacts  # noqa: F401

    import components.inference.onnx  # noqa: F401

    os.environ["MLFLOW_SQLALCHEMYSTORE_POOLCLASS"] = "NullPool"


if __name__ == "__main__":
    ready_to_fork()
    where, *numbers = sys.argv[1:]
    found = main(Path(where), int(numbers[0]), int(numbers[1]), float(numbers[2]), int(numbers[3]))
    sys.stdout.write(json.dumps(found))
