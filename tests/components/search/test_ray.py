"""In: a cluster of several nodes on this machine. Out: a search there accounts for every trial."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import TouchstoneError
from components.params import SearchParams, TrainingParams
from components.search import Ray, SearchWatch, StudyPlace, run_search
from tests.components.search.portable import Noted

Section = Callable[..., SearchParams]

# Each in a process of its own: Ray leaves threads, sockets and files of its own behind.
PROGRAM = """
import json, sys
from pathlib import Path
from components.params import SearchParams, TrainingParams
from tests.components.search import test_ray
search, training, folder, case = json.loads(sys.argv[1])
told = getattr(test_ray, case)(
    SearchParams.model_validate_json(json.dumps(search)),
    TrainingParams.model_validate_json(json.dumps(training)),
    Path(folder),
)
print("told", json.dumps(told))
"""


def outside(
    case: Callable[[SearchParams, TrainingParams, Path], Any],
    params: SearchParams,
    training: TrainingParams,
    root: Path,
    folder: Path,
) -> Any:
    arguments = [params.model_dump(mode="json"), training.model_dump(mode="json"), str(folder)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([*arguments, case.__name__])],
        cwd=root,
        env=os.environ | {"RAY_USAGE_STATS_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.rsplit("told ", 1)[1])


def with_a_node_killed(
    params: SearchParams, training: TrainingParams, folder: Path
) -> dict[str, Any]:
    """Search on three nodes; kill the one that trains the first trial that is not the head's."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    others = [cluster.add_node(num_cpus=1) for _ in range(2)]
    objective = Stalling(folder)
    lost: list[str] = []
    again: list[bool] = []

    def kill() -> None:
        while not lost:
            for name in objective.nodes():
                node = next((one for one in others if one.node_id == name), None)
                if node is not None:
                    cluster.remove_node(node, allow_graceful=False)
                    lost.append(name)
                    (folder / "go").touch()
                    return
            threading.Event().wait(0.1)

    killer = threading.Thread(target=kill)
    killer.start()
    watch = SearchWatch(on_died=lambda number, round_, reason, more: again.append(more))
    found = run_search(
        params, training, 7, Ray(objective, cluster.address), StudyPlace(folder, "toy"), watch
    )
    killer.join()
    cluster.shutdown()
    return {
        "states": [trial.state for trial in found.trials],
        "attempts": sum(trial.attempts for trial in found.trials),
        "values": len({json.dumps(dict(trial.values)) for trial in found.trials}),
        "again": again,
        "nodes": len({str(trial.worker).split("/")[0] for trial in found.trials}),
    }


def alone(params: SearchParams, training: TrainingParams, folder: Path) -> list[Any]:
    """Search on a cluster of this machine, and without one."""
    from components.search import Inline

    objective = Noted(folder)
    there = run_search(params, training, 7, Ray(objective, None), StudyPlace(folder, "ray"))
    here = run_search(params, training, 7, Inline(objective), StudyPlace(folder, "inline"))
    return [
        [[dict(t.values), t.state, list(t.scores.values()), t.reason] for t in found.trials]
        + [[f.trial, list(f.scores)] for f in found.finalists]
        for found in (there, here)
    ]


class Stalling(Noted):
    """Waits until a node is gone, and tells on which one it waits."""

    def epoch(self, training: TrainingParams, epoch: int, report: Any) -> None:
        import ray

        name = ray.get_runtime_context().get_node_id()
        (self.folder / f"node-{name}").touch()
        for _ in range(1200):
            if (self.folder / "go").exists():
                return
            report.show(epoch)
            threading.Event().wait(0.1)

    def nodes(self) -> list[str]:
        found = self.folder.glob("node-*")
        return sorted(path.name.removeprefix("node-") for path in found)


@pytest.mark.slow
def test_search_on_a_cluster_accounts_for_every_trial_when_a_node_is_killed(
    section: Section, training: TrainingParams, root: Path, tmp_path: Path
) -> None:
    never = {"kind": "none"}
    single = {"trials": 1, "seeds": 0, "minutes": None}
    params = section(trials=5, workers=3, pruner=never, finalists=single)
    told = outside(with_a_node_killed, params, training, root, tmp_path)
    assert told["states"] == ["complete"] * 5
    assert told["values"] == 5
    assert told["again"] == [True], "one training ran on the node that was killed"
    assert told["attempts"] == 5 + 1
    assert told["nodes"] >= 2


@pytest.mark.slow
def test_one_worker_on_ray_finds_what_one_process_finds(
    section: Section, training: TrainingParams, root: Path, tmp_path: Path
) -> None:
    params = section(trials=4, workers=1, finalists={"trials": 2, "seeds": 1, "minutes": None})
    there, here = outside(alone, params, training, root, tmp_path)
    assert there == here


def test_address_where_no_cluster_answers_is_refused(
    section: Section, training: TrainingParams, tmp_path: Path, place: StudyPlace
) -> None:
    with pytest.raises(TouchstoneError, match=r"search\.address: no Ray cluster answers"):
        run_search(section(), training, 7, Ray(Noted(tmp_path), "127.0.0.1:9"), place)
