"""In: a real PostgreSQL. Out: the registry works on it as on SQLite, and its lock holds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from components.errors import PromotionError
from components.registry import (
    Registry,
    Seen,
    Trial,
    champion,
    log_trial,
    open_ledger,
    open_registry,
    promote,
    rollback,
    start_study,
)
from components.registry.locks import model_lock
from components.registry.moves import standing
from tests.candidates import add_model, add_version, judged, make_model

NAME = "tickets"


@pytest.fixture(scope="module")
def registry(
    postgres_url: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory
) -> Registry:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", postgres_url("mlflow", "psycopg"))
        return open_registry(tmp_path_factory.mktemp("postgres"), 0)


@pytest.fixture(scope="module")
def versions(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> list[Seen]:
    """Two versions that serve toy bundles."""
    add_model(registry, NAME)
    models = [make_model(tmp_path_factory.mktemp("model"), f"postgres-{n}") for n in (1, 2)]
    return [add_version(registry, NAME, model) for model in models]


def test_trials_promotion_and_rollback_work_on_postgres(
    registry: Registry, versions: list[Seen]
) -> None:
    study = start_study(registry, NAME, "s1", {"trials": 1})
    trial = Trial(0, {"dropout": 0.1}, {1: 0.5}, "complete")
    assert log_trial(registry, study, trial) == log_trial(registry, study, trial)
    stale = judged(registry, NAME, versions[1])
    assert promote(registry, judged(registry, NAME, versions[0])).changed
    with pytest.raises(PromotionError, match="stale"):
        promote(registry, stale)
    assert promote(registry, judged(registry, NAME, versions[1])).changed
    assert rollback(registry, NAME, None).after == versions[0]
    assert champion(registry, NAME) == versions[0]
    ledger = open_ledger(registry)
    assert ledger.verify() == []
    assert standing(ledger.read(NAME)).champion == versions[0]
    assert not (registry.state / "ledger.db").exists(), "the rows lie beside MLflow's"


def test_lock_holds_between_machines_that_share_only_the_database(
    registry: Registry, tmp_path: Path
) -> None:
    other = Registry(registry.uri, tmp_path, registry.client)
    inside, done = threading.Event(), threading.Event()

    def wait_for_it() -> None:
        with model_lock(other, NAME):
            inside.set()
        done.set()

    with model_lock(registry, NAME):
        thread = threading.Thread(target=wait_for_it)
        thread.start()
        assert not inside.wait(0.5)
    assert done.wait(30)
    thread.join()
