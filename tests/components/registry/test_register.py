"""In: one bundle, registered once, again and after kills. Out: one version that says what it is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from components.errors import IntegrityError, PromotionError, TouchstoneError
from components.files import verify_manifest
from components.params import RegistryParams
from components.registry import Registry, Submission, champion, fetch, register
from components.registry.package import copy_code

Submit = Callable[[str], Submission]

LOAD = """
import json, sys
import mlflow, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/reg-load@challenger")
texts = ["please parcel", "money", "password"]
forms = [texts, pd.Series(texts), pd.DataFrame({"text": texts, "n": [1, 2, 3]})]
rows = [model.predict(form).to_dict(orient="records") for form in forms]
heavy = [m for m in ("torch", "transformers", "optuna") if m in sys.modules]
print(json.dumps({"rows": rows, "heavy": heavy}))
"""


def test_registering_twice_makes_one_run_one_model_one_version(
    registry: Registry, owner: RegistryParams, submit: Submit, tmp_path: Path
) -> None:
    first = register(registry, "reg-twice", owner, submit("twice"), tmp_path)
    second = register(registry, "reg-twice", owner, submit("twice"), tmp_path)
    assert first == second == json.loads((tmp_path / "receipt.json").read_text())
    assert counts(registry, "reg-twice") == (1, 1, 1)


@pytest.mark.parametrize(
    "line",
    [
        "log_model_artifacts",
        "finalize_logged_model",
        "create_registered_model",
        "create_model_version",
        "set_registered_model_alias",
    ],
)
def test_killed_at_any_line_and_run_again_leaves_one_of_each(
    registry: Registry,
    owner: RegistryParams,
    submit: Submit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
) -> None:
    name = f"reg-{line}"
    original = getattr(type(registry.client), line)

    def killed(self: object, *args: object, **named: object) -> None:
        if line != "create_registered_model":
            original(self, *args, **named)
        raise KeyboardInterrupt("killed")

    with monkeypatch.context() as patch:
        patch.setattr(type(registry.client), line, killed)
        with pytest.raises(KeyboardInterrupt, match="killed"):
            register(registry, name, owner, submit(line), tmp_path)
    receipt = register(registry, name, owner, submit(line), tmp_path)
    assert receipt["version"] == 1
    assert counts(registry, name) == (1, 1, 1)
    assert verify_manifest(fetch(registry, name, 1)) == receipt["digest"]


def test_other_bytes_are_another_version_and_the_champion_stays(
    registry: Registry, owner: RegistryParams, submit: Submit, tmp_path: Path
) -> None:
    first = register(registry, "reg-next", owner, submit("next-1"), tmp_path)
    registry.client.set_registered_model_alias("reg-next", "champion", "1")
    second = register(registry, "reg-next", owner, submit("next-2"), tmp_path)
    assert (first["version"], second["version"]) == (1, 2)
    assert first["champion"] is None
    assert second["champion"] == {"version": 1, "digest": first["digest"]}
    now = champion(registry, "reg-next")
    assert now is not None
    assert now.version == 1
    assert registry.client.get_model_version_by_alias("reg-next", "challenger").version == 2


def test_version_page_says_what_it_is_and_how_it_scored(
    registry: Registry, owner: RegistryParams, submit: Submit, tmp_path: Path
) -> None:
    register(registry, "reg-page", owner, submit("page-1"), tmp_path)
    registry.client.set_registered_model_alias("reg-page", "champion", "1")
    register(registry, "reg-page", owner, submit("page-2"), tmp_path)
    entry = registry.client.get_model_version("reg-page", "2")
    for part in (
        "Against champion version 1",
        "accuracy 1.000 → 1.000 (+0.0 points)",
        "| **int8, served** | 1.0000 |",
        "channel = mail",
        "Licence of the data: CC0-1.0",
        "Owner: the team.",
        'load_model("models:/reg-page@champion")',
    ):
        assert part in entry.description
    assert entry.tags["touchstone.lineage"] == "page-2"
    assert entry.tags["touchstone.data"] == "d" * 64
    model = registry.client.get_registered_model("reg-page")
    assert model.description.startswith("Routing requests")


def test_run_carries_metrics_of_all_artifacts_and_the_reports(
    registry: Registry, owner: RegistryParams, submit: Submit, tmp_path: Path
) -> None:
    receipt = register(registry, "reg-run", owner, submit("run-1"), tmp_path)
    run = registry.client.get_run(receipt["run_id"])
    assert run.data.metrics["int8.accuracy"] == 1.0
    assert run.data.metrics["trained.latency_p95_ms"] == 4.2
    names = {f.path for f in registry.client.list_artifacts(receipt["run_id"], "reports")}
    assert names == {"reports/evaluation", "reports/parity.json"}


def test_report_on_other_bytes_is_refused(
    registry: Registry, owner: RegistryParams, submit: Submit, tmp_path: Path
) -> None:
    mixed = Submission(
        submit("mixed-1").bundle, submit("mixed-2").evaluation, submit("mixed-2").parity, tmp_path
    )
    with pytest.raises(IntegrityError, match=r"int8\.json is about digest"):
        register(registry, "reg-mixed", owner, mixed, tmp_path)
    assert not (tmp_path / "receipt.json").exists()


def test_missing_report_is_named(
    registry: Registry, owner: RegistryParams, submit: Submit, tmp_path: Path
) -> None:
    given = submit("no-report")
    (given.evaluation / "onnx.json").unlink()
    with pytest.raises(IntegrityError, match=r"onnx\.json is missing"):
        register(registry, "reg-missing", owner, given, tmp_path)


def test_loaded_version_answers_lists_series_and_frames_without_the_checkout(
    registry: Registry, owner: RegistryParams, submit: Submit, tmp_path: Path
) -> None:
    register(registry, "reg-load", owner, submit("load"), tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", LOAD, registry.uri],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Add type hints" not in done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    labels = [[row["label"] for row in rows] for rows in found["rows"]]
    assert labels == [["track", "refund", "login"]] * 3
    first = found["rows"][0][0]
    assert first["scores"]["track"] == first["score"] > 0.9
    assert found["heavy"] == []


def test_altered_bundle_in_the_registry_is_not_loaded_and_not_fetched(
    registry: Registry,
    owner: RegistryParams,
    submit: Submit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import mlflow

    # MLflow puts the model's own code first, for good; its `components` are not all of ours.
    monkeypatch.setattr(sys, "path", [*sys.path])
    register(registry, "reg-flip", owner, submit("flip"), tmp_path)
    path = registry.client.get_model_version_download_uri("reg-flip", "1").removeprefix("file://")
    graph = Path(path) / "artifacts" / "bundle" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"\0")
    with pytest.raises(IntegrityError, match="not those of digest"):
        fetch(registry, "reg-flip", 1)
    with registry.as_default(), pytest.raises(IntegrityError, match="was altered"):
        mlflow.pyfunc.load_model("models:/reg-flip/1")


def test_fetched_bundle_that_was_damaged_is_fetched_again(
    registry: Registry, owner: RegistryParams, submit: Submit, tmp_path: Path
) -> None:
    receipt = register(registry, "reg-cache", owner, submit("cache"), tmp_path)
    kept = fetch(registry, "reg-cache", 1)
    (kept / "bundle.json").write_text("{}")
    assert verify_manifest(fetch(registry, "reg-cache", 1)) == receipt["digest"]


def test_version_without_files_digest_or_existence_has_its_own_reason(
    registry: Registry, owner: RegistryParams, submit: Submit, tmp_path: Path
) -> None:
    import shutil

    register(registry, "reg-gone", owner, submit("gone"), tmp_path)
    uri = registry.client.get_model_version_download_uri("reg-gone", "1")
    shutil.rmtree(uri.removeprefix("file://"))
    with pytest.raises(TouchstoneError, match="its files cannot be read"):
        fetch(registry, "reg-gone", 1)
    with pytest.raises(PromotionError, match="has no version 7"):
        fetch(registry, "reg-gone", 7)
    registry.client.create_model_version("reg-gone", source=str(tmp_path))
    with pytest.raises(IntegrityError, match="carries no digest"):
        fetch(registry, "reg-gone", 2)


def test_registering_and_fetching_leave_nothing_in_the_working_folder(
    registry: Registry,
    owner: RegistryParams,
    submit: Submit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = submit("tidy")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    register(registry, "reg-tidy", owner, given, tmp_path)
    fetch(registry, "reg-tidy", 1)
    assert list((tmp_path / "empty").iterdir()) == []


def test_code_beside_a_version_is_only_what_answering_needs(tmp_path: Path) -> None:
    copy_code(tmp_path / "components")
    names = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.py")}
    assert "components/inference/onnx.py" in names
    assert "components/tasks/classification.py" in names
    assert not any("registry" in name or "training" in name or "params" in name for name in names)


def counts(registry: Registry, name: str) -> tuple[int, int, int]:
    """Return how many runs, logged models and versions there are."""
    where = [registry.client.get_experiment_by_name(name).experiment_id]
    return (
        len(registry.client.search_runs(where)),
        len(registry.client.search_logged_models(where)),
        len(registry.client.search_model_versions(f"name = '{name}'")),
    )
