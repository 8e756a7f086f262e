"""In: a model that had three champions. Out: production given back, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.registry import Registry, champion, open_registry
from flows.__main__ import main
from tests.candidates import add_model, add_version, lift, make_model
from tests.flows.projects import write_params


@pytest.fixture
def registry(
    prefect_server: str, small: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Registry:
    """Of a project to work in, whose versions 1, 2 and 3 were champions one after the other."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    write_params(tmp_path, small)
    made, name = open_registry(Path(".state"), 0), small["project"]["name"]
    add_model(made, name)
    models = (make_model(tmp_path / f"model-{n}", f"rolled-{n}") for n in range(3))
    lift(made, name, *[add_version(made, name, model) for model in models])
    return made


def test_rollback_goes_one_back_or_to_the_version_that_is_named(
    registry: Registry, small: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    name = small["project"]["name"]

    def now() -> int:
        found = champion(registry, name)
        assert found is not None
        return found.version

    assert now() == 3
    assert main(["rollback"]) == 0
    assert now() == 2
    assert main(["rollback", "--to", "1"]) == 0
    assert now() == 1
    assert main(["rollback", "--to", "1"]) == 0, "going there again changes nothing"
    assert "version 1 of tickets is champion again" in capsys.readouterr().out
    assert main(["rollback", "--to", "9"]) == 1
    text = capsys.readouterr().err
    assert "those that were: 1, 2, 3" in text
    assert "Traceback" not in text
    assert now() == 1
    assert main(["history"]) == 0
    rolled = [line for line in capsys.readouterr().out.splitlines() if "rolled back" in line]
    assert len(rolled) == 2
