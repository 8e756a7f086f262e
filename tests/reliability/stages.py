"""In: a folder, and stages. Out: each of them killed at every failpoint, then repeated, as JSON.

    python -m tests.reliability.stages FOLDER ENCODER PLACES [STAGE ...]
    python -m tests.reliability.stages FOLDER ENCODER KILLS:SEED [STAGE ...]

A small project is run once, unkilled. Then, for each stage, a copy of what it found before it ran:
one process after another dies, at its failpoint or at a random time, each going on from what the
one before has left; then two that are left alone. So that none of some hundred processes has to
import torch again, all are forks of this one, and call the flow's function, bare of Prefect.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
from ruamel.yaml import YAML

from components.encoders import REQUIRED
from components.files import read_json, sha256_file
from components.params import load_params
from components.params.load import read_tree
from components.search import Inline
from flows.stage import bind, function_of, parser_of
from tests.candidates import set_failpoint
from tests.end_to_end.tiny import laid_over, small_params
from tests.reliability.promoter import in_child, ready_to_fork
from tests.reliability.warm import import_all, note_modules

ROOT: Final = Path(__file__).resolve().parents[2]
GRAPH: Final[Mapping[str, Any]] = read_tree(ROOT / "dvc.yaml")["stages"]
# What dies between an effect and its acknowledgement, in the order in which a stage passes them.
BETWEEN: Final[Mapping[str, Sequence[str]]] = {
    "search": ("search.asked", "*.state/checkpoints/*/epoch-*@half", "search.told"),
    "train": ("*.state/checkpoints/*/epoch-*@begun", "*.state/checkpoints/*/epoch-*@half"),
    "register": ("register.uploaded", "register.version", "register.challenger"),
    "gate": ("ledger.appended",),
}
TICK_SECONDS: Final = 0.005
IMPORTED: Final = (
    *("torch", "transformers", "accelerate", "great_expectations", "onnx", "optuna", "sklearn"),
)


def outs_of(stage: str) -> list[str]:
    """Return the paths that a stage makes."""
    return [next(iter(out)) if isinstance(out, dict) else out for out in GRAPH[stage]["outs"]]


def failpoints_of(stage: str, places: Sequence[str]) -> list[str]:
    """Return where a stage can be killed: in each of what it makes, and between its effects."""
    writes = [
        f"{out}@{place}"
        for out in outs_of(stage)
        for place in places
        # What a file replaces is not removed first.
        if place != "removed" or "." not in Path(out).name
    ]
    return [*BETWEEN.get(stage, ()), *writes]


def project(folder: Path, encoder: Path) -> Path:
    """Make a small project on the tiny encoder."""
    digests = {name: sha256_file(encoder / name) for name in REQUIRED}
    overlay = small_params(digests)
    overlay["ingestion"]["source"] = "sample:tickets?rows=320&seed=3"
    overlay["search"] |= {"trials": 1}
    overlay["search"]["ablation"] = {"seeds": 1, "resamples": 200, "confidence": 0.95}
    overlay["training"] |= {"epochs": 1, "checkpoint_minutes": 1e-6}
    overlay["export"]["ladder"] = ["dynamic"]
    overlay["evaluation"] |= {"latency_requests": 2, "throughput_batches": 1}
    overlay["gate"]["robustness"] |= {"rows": 20}
    tree = laid_over(read_tree(ROOT / "params.yaml"), overlay)
    tree["encoder"] |= {"source": f"path:{encoder}", "sha256": digests}
    tree["augmentation"]["lexicon"] = str(ROOT / "components/augmentation/lexicon.json")
    tree["gate"]["robustness"]["lexicon"] = str(ROOT / "components/gate/groups.json")
    tree["validation"]["suite"] = str(ROOT / "validation/suite.yaml")
    (folder / "data" / "source").mkdir(parents=True)
    with (folder / "params.yaml").open("w") as file:
        YAML(typ="safe", pure=True).dump(tree, file)
    return folder


def work_of(stage: str) -> Callable[[], None]:
    """Return a stage as dvc.yaml runs it, in the current folder."""
    command = GRAPH[stage]["cmd"].replace("${ingestion.folder}", "data/source")

    def work() -> None:
        function = function_of(stage)
        options = vars(parser_of(stage, function).parse_args(shlex.split(command)[4:]))
        function(**bind(function, load_params(Path("params.yaml")), options))

    return work


def run(stage: str, death: str | float | None, loaded: Path | None = None) -> int:
    """Run a stage in a process of its own; return how it ended.

    Args:
        stage: its name.
        death: the failpoint at which it dies, or the seconds after which it is killed.
        loaded: receives the names of the modules that it has imported.
    """

    def armed() -> None:
        set_failpoint(death if isinstance(death, str) else None)
        work_of(stage)()
        if loaded:
            note_modules(loaded)

    pid = in_child(armed)
    if isinstance(death, float):
        deadline = time.monotonic() + death
        while time.monotonic() < deadline:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            time.sleep(TICK_SECONDS)
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def facts_of(stage: str) -> dict[str, str]:
    """Return what a stage has made: of JSON each value, of Parquet each column, else a digest."""
    facts: dict[str, str] = {}
    for out in map(Path, outs_of(stage)):
        for file in [out] if out.is_file() else sorted(out.rglob("*")):
            if file.suffix == ".json" and file.name not in {"manifest.json", "config.json"}:
                facts |= _leaves(str(file), read_json(file))
            elif file.suffix == ".parquet":
                table = pq.read_table(file)
                facts |= {f"{file}:{n}": repr(table[n].to_pylist()) for n in table.column_names}
            elif file.is_file():
                facts[str(file)] = sha256_file(file)
    return facts


def _leaves(name: str, value: object) -> dict[str, str]:
    if isinstance(value, dict):
        inner = [(f"{name}:{key}", each) for key, each in value.items()]
    elif isinstance(value, list):
        inner = [(f"{name}:{index}", each) for index, each in enumerate(value)]
    else:
        return {name: repr(value)}
    return {key: leaf for path, each in inner for key, leaf in _leaves(path, each).items()}


def differing(one: Mapping[str, str], two: Mapping[str, str]) -> list[str]:
    """Return the names of what is not the same in both."""
    return sorted(name for name in {*one, *two} if one.get(name) != two.get(name))


def deaths_of(stage: str, how: str) -> Sequence[str | float]:
    """Return where a stage dies: at each of these places, or at so many random times."""
    kills, random_times, seed = how.partition(":")
    if not random_times:
        return failpoints_of(stage, how.split(","))
    started = time.monotonic()
    assert run(stage, None) == 0, stage
    seconds = time.monotonic() - started
    return [random.Random(f"{seed} {stage} {n}").uniform(0, seconds) for n in range(int(kills))]


def main(folder: Path, encoder: Path, how: str, stages: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Run the line; kill and repeat the named stages, or all."""
    line = project(folder / "line", encoder)
    ready()
    for stage in GRAPH:
        os.chdir(line)
        killed, timed = folder / stage / "killed", folder / stage / "timed"
        for copy in (killed, timed):
            shutil.copytree(line, copy)
        assert run(stage, None, folder / "loaded.json") == 0, stage
        import_all(folder / "loaded.json")
        whole = facts_of(stage)
        if stage in stages or not stages:
            os.chdir(timed)
            deaths = deaths_of(stage, how)
            os.chdir(killed)
            codes = [run(stage, death) for death in deaths]
            ends, made = [], [whole]
            for _ in range(2):
                ends.append(run(stage, None))
                made.append(facts_of(stage))
            yield {
                "stage": stage,
                "deaths": deaths,
                "codes": codes,
                "ends": ends,
                "made": len(whole),
                "differs": differing(*made[:2]),
                "rewritten": differing(*made[1:]),
            }
        os.chdir(line)
        shutil.rmtree(folder / stage)


def ready() -> None:
    """Import what stages need, and put what a fork cannot have out of their way."""
    import prefect.artifacts

    import flows.search

    ready_to_fork()
    for name in (*IMPORTED, *(f"flows.{stage}" for stage in GRAPH)):
        importlib.import_module(name)
    for kind in ("markdown", "link", "table"):
        setattr(prefect.artifacts, f"create_{kind}_artifact", lambda **_: None)
    # A trial's process would be a child of a server that is forked from nothing: too slow by far.
    flows.search.Local = lambda trains, _: Inline(trains)  # type: ignore[assignment,misc]


if __name__ == "__main__":
    where, source, manner, *names = sys.argv[1:]
    for row in main(Path(where), Path(source), manner, names):
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()
