"""In: nothing. Out: small projects in which flows run for real, against one Prefect server."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.files import sha256_file
from components.params.load import read_tree
from flows import server
from flows.__main__ import main
from tests.end_to_end.tiny import laid_over, small_params
from tests.flows.projects import (
    DECIDING,
    REQUESTS,
    STAGES,
    command,
    new_project,
    working_in,
    write_requests,
)

# Prefect reads its settings once, when it is imported: they must stand before any test runs.
_PORT = server.any_free_port()
os.environ["PREFECT_API_URL"] = f"http://{server.HOST}:{_PORT}/api"
os.environ["TOUCHSTONE_PATIENCE"] = "1"


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
    tree["validation"]["suite"] = str(components.parent / "validation/suite.yaml")
    tree["encoder"]["sha256"] = dict(tiny_encoder_sha256)
    return tree


@pytest.fixture(scope="session")
def learning(
    small: dict[str, Any], tiny_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The small params on data that can be learned, and an encoder that does so in seconds.

    With every seed alike: of one layer, with weights large enough to tell words apart from the
    start. The tiny encoder of two layers needs far more rows, and stops short with some seeds.
    """
    import torch
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("quick_encoder")
    shutil.copy(tiny_tokenizer / "tokenizer.json", folder)
    torch.manual_seed(0)
    config = BertConfig.from_pretrained(tiny_tokenizer, num_hidden_layers=1, initializer_range=0.1)
    BertModel(config).save_pretrained(folder)
    tree = copy.deepcopy(small)
    names = ("config.json", "model.safetensors", "tokenizer.json")
    tree["encoder"] |= {
        "source": f"path:{folder}",
        "sha256": {name: sha256_file(folder / name) for name in names},
    }
    tree["task"]["labels"] = list(DECIDING)
    tree["ingestion"] |= {"source": REQUESTS, "splits": {"validation": 0.15, "test": 0.45}}
    tree["training"] |= {"learning_rate": 3e-3, "epochs": 6}
    tree["search"] |= {"epochs": 6, "space": {"label_smoothing": {"choices": [0.0, 0.05]}}}
    return tree


@pytest.fixture(scope="session")
def finished(
    prefect_server: str, learning: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a project in which every stage was run once, in order; to be copied."""
    folder = new_project(tmp_path_factory.mktemp("finished"), learning)
    write_requests(folder / "data" / "source")
    with working_in(folder):
        for verb in STAGES:
            assert main(command(verb)) == 0, verb
    return folder


@pytest.fixture(scope="module")
def line(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A module's own copy of the finished line, at work.

    The registry's files stay where they were made: whoever adds to them adds under names of its
    own, and the books that name a champion are copied.
    """
    folder = tmp_path_factory.mktemp("line") / "project"
    shutil.copytree(finished, folder)
    with working_in(folder):
        yield folder
