"""In: toy bundles. Out: one migrated registry for all tests, versions and submissions for it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.params import RegistryParams
from components.registry import Registry, Seen, Submission, open_registry
from tests.candidates import add_model, add_version, make_model

NUMBERS = itertools.count(1)


@pytest.fixture(autouse=True)
def no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("registry") / ".state"


@pytest.fixture(scope="session")
def registry(state: Path) -> Iterator[Registry]:
    """One SQLite file for all: migrating it takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield open_registry(state, 0)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("models")
    return [make_model(root / str(i), f"promote-{i}") for i in range(4)]


@pytest.fixture
def name(registry: Registry) -> str:
    """A model that nobody has promoted yet."""
    name = f"promoted-{next(NUMBERS)}"
    add_model(registry, name)
    return name


@pytest.fixture
def versions(registry: Registry, name: str, models: list[Path]) -> list[Seen]:
    """Versions 1 to 4."""
    return [add_version(registry, name, model) for model in models]


@pytest.fixture(scope="session")
def owner() -> RegistryParams:
    return RegistryParams(owner="the team", intended_use="Routing requests; not for | advice.")


@dataclass(frozen=True)
class Factory:
    """Makes submissions whose bundles differ by their lineage."""

    root: Path
    data: Path
    bundle: Callable[..., Path]
    reports: Callable[..., tuple[Path, Path]]

    def __call__(self, lineage: str) -> Submission:
        folder = self.root / lineage
        bundle = (
            folder / "int8"
            if (folder / "int8").exists()
            else self.bundle(folder / "int8", lineage=lineage)
        )
        evaluation, parity = self.reports(bundle, self.data, folder)
        return Submission(bundle, evaluation, parity, self.data)


@pytest.fixture(scope="session")
def submit(
    tmp_path_factory: pytest.TempPathFactory,
    toy_bundle: Callable[..., Path],
    toy_data: Callable[..., Path],
    toy_reports: Callable[..., tuple[Path, Path]],
) -> Factory:
    root = tmp_path_factory.mktemp("submissions")
    return Factory(root, toy_data(root / "data"), toy_bundle, toy_reports)
