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
from components.search.engines.shares import cores_each, devices_each
from tests.components.search.portable import Noted, Together

Section = Callable[..., SearchParams]
# Names a PostgreSQL for the study, where the test wants one.
DATABASE = "TOUCHSTONE_TEST_STUDIES"

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
    place = StudyPlace(folder, "toy", database=os.environ.get(DATABASE), patience=30.0)
    found = run_search(params, training, 7, Ray(objective, cluster.address), place, watch)
    killer.join()
    cluster.shutdown()
    return {
        "states": [trial.state for trial in found.trials],
        "attempts": sum(trial.attempts for trial in found.trials),
        "values": len({json.dumps(dict(trial.values)) for trial in found.trials}),
        "again": again,
        "nodes": len({str(trial.worker).split("/")[0] for trial in found.trials}),
    }


def on_shared_devices(
    params: SearchParams, training: TrainingParams, folder: Path
) -> list[list[float | str]]:
    """Search with two workers on the one device of a cluster; return what each trial was given."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "num_gpus": 1})
    objective = Sharing(folder, 2)
    place = StudyPlace(folder, "toy")
    run_search(params, training, 7, Ray(objective, cluster.address), place)
    cluster.shutdown()
    return [json.loads(line) for line in (folder / "given").read_text().splitlines()]


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


class Sharing(Together):
    """Notes the share of which device it has, and ends only when another trains beside it."""

    def epoch(self, training: TrainingParams, epoch: int, report: Any) -> None:
        import ray

        super().epoch(training, epoch, report)
        context = ray.get_runtime_context()
        given = [
            context.get_assigned_resources().get("GPU", 0.0),
            *context.get_accelerator_ids()["GPU"],
        ]
        with (self.folder / "given").open("a", encoding="utf-8") as file:
            file.write(json.dumps(given) + "\n")


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


@pytest.mark.parametrize(
    ("machines", "workers", "cores"),
    [
        ([8.0], 2, 4),
        ([8.0], 3, 2),
        # An even part of all cores would be 3, which no machine has.
        ([2.0, 2.0, 2.0], 2, 2),
        ([4.0, 2.0], 2, 2),
        ([1.0, 1.0], 5, 1),
        ([], 1, 1),
    ],
)
def test_all_trainings_fit_on_the_cores_at_once(
    machines: list[float], workers: int, cores: int
) -> None:
    assert cores_each(machines, workers) == cores


@pytest.mark.parametrize(
    ("devices", "workers", "share"),
    [(0, 3, 0.0), (1, 1, 1.0), (4, 2, 1.0), (1, 3, 0.3333), (3, 4, 0.5), (2, 7, 0.25)],
)
def test_all_trainings_fit_on_the_devices_at_once(
    devices: float, workers: int, share: float
) -> None:
    assert devices_each(devices, workers) == share
    assert not share or devices * int(1 / share) >= workers


@pytest.mark.slow
def test_two_trainings_share_one_device_at_once(
    section: Section, training: TrainingParams, root: Path, tmp_path: Path
) -> None:
    single = {"trials": 1, "seeds": 0, "minutes": None}
    params = section(trials=2, workers=2, epochs=1, pruner={"kind": "none"}, finalists=single)
    assert outside(on_shared_devices, params, training, root, tmp_path) == [[0.5, "0"]] * 2


@pytest.fixture(params=["journal", "postgresql"])
def study(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the study lies, which the search is told by the environment."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")(f"cluster{os.getpid()}", "psycopg")
        monkeypatch.setenv(DATABASE, url)
    return str(request.param)


@pytest.mark.slow
@pytest.mark.usefixtures("study")
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
