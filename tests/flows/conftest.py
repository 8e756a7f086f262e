"""In: nothing. Out: small projects in which flows run for real, against one Prefect server."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from components.params.load import read_tree
from flows import server
from tests.end_to_end.tiny import laid_over, small_params

# Prefect reads its settings once, when it is imported: they must stand before any test runs.
_PORT = server.any_free_port()
os.environ["PREFECT_API_URL"] = f"http://{server.HOST}:{_PORT}/api"
os.environ["TOUCHSTONE_WAIT_SECONDS"] = "1"


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prefect server at the address that this process' Prefect knows."""
    state = tmp_path_factory.mktemp("prefect")
    url = server.wait_for(state, server.boot_server(state, _PORT))
    yield url
    _deliver()
    server.stop_server(state)


def _deliver() -> None:
    """Let Prefect send what it holds while somebody listens; at exit it would try for a minute."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=10)


@pytest.fixture(scope="session")
def small(tiny_encoder: Path, tiny_encoder_sha256: Mapping[str, str]) -> dict[str, object]:
    """params.yaml made small, on the tiny encoder."""
    overlay = small_params(tiny_encoder_sha256)
    overlay["encoder"]["source"] = f"path:{tiny_encoder}"
    tree = laid_over(read_tree(Path(__file__).parents[2] / "params.yaml"), overlay)
    components = Path(__file__).parents[2] / "components"
    tree["augmentation"]["lexicon"] = str(components / "augmentation/lexicon.json")
    tree["gate"]["robustness"]["lexicon"] = str(components / "gate/groups.json")
    tree["encoder"]["sha256"] = dict(tiny_encoder_sha256)
    return tree


def write_params(folder: Path, tree: object) -> None:
    """Write params.yaml into a project's folder."""
    with (folder / "params.yaml").open("w") as file:
        YAML(typ="safe", pure=True).dump(tree, file)
