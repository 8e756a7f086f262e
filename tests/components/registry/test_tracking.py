"""In: trials logged once and again. Out: one run each."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.registry import Registry, Trial, log_report, log_training, log_trial, start_study


def runs(registry: Registry, name: str) -> list[object]:
    where = registry.client.get_experiment_by_name(name).experiment_id
    return list(registry.client.search_runs([where]))


def test_trial_logged_again_makes_no_second_run(registry: Registry) -> None:
    study = start_study(registry, "track-a", "s1", {"trials": 2})
    trial = Trial(0, {"learning_rate": 1e-4}, {1: 0.5, 2: 0.7}, "complete")
    assert log_trial(registry, study, trial) == log_trial(registry, study, trial)
    assert start_study(registry, "track-a", "s1", {"trials": 2}) == study
    assert len(runs(registry, "track-a")) == 2


def test_trial_hangs_under_its_study_with_values_scores_and_end(registry: Registry) -> None:
    study = start_study(registry, "track-b", "s1", {})
    run = registry.client.get_run(
        log_trial(registry, study, Trial(3, {"dropout": 0.1}, {1: 0.5, 2: 0.7}, "pruned"))
    )
    assert run.data.tags["mlflow.parentRunId"] == study
    assert run.data.params == {"dropout": "0.1"}
    assert run.info.status == "KILLED"
    history = registry.client.get_metric_history(run.info.run_id, "score")
    assert [(point.step, point.value) for point in history] == [(1, 0.5), (2, 0.7)]


def test_trial_s_curves_are_metrics_by_step_logged_once_however_often_asked(
    registry: Registry,
) -> None:
    study = start_study(registry, "track-h", "s1", {})
    curves = {"loss": {10: 2.0, 20: 1.5}, "learning_rate": {10: 1e-4, 20: 5e-5}}
    trial = Trial(0, {}, {1: 0.5}, "pruned", curves=curves, reason="0.5 is below 0.6")
    run_id = log_trial(registry, study, trial)
    registry.client.update_run(run_id, status="RUNNING")  # killed before it was said to be whole
    assert log_trial(registry, study, trial) == run_id
    for name, curve in (*curves.items(), ("score", {1: 0.5})):
        history = registry.client.get_metric_history(run_id, name)
        assert {point.step: point.value for point in history} == curve
        assert len(history) == len(curve)
    assert registry.client.get_run(run_id).data.tags["touchstone.reason"] == "0.5 is below 0.6"


def test_report_stands_beside_its_study_and_is_replaced_by_a_newer_one(
    registry: Registry, tmp_path: Path
) -> None:
    study = start_study(registry, "track-i", "s1", {})
    page = tmp_path / "report.html"
    for text in ("old", "new"):
        page.write_text(text, encoding="utf-8")
        address = log_report(registry, study, page)
    assert address == page.as_uri()
    found = [file.path for file in registry.client.list_artifacts(study)]
    assert found == ["report.html"]
    local = registry.client.download_artifacts(
        study, "report.html", str(_folder(tmp_path / "back"))
    )
    assert Path(local).read_text(encoding="utf-8") == "new"


def test_trial_cut_short_by_a_kill_is_completed_not_doubled(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = start_study(registry, "track-c", "s1", {})
    trial = Trial(0, {"dropout": 0.1}, {1: 0.5}, "complete")
    with monkeypatch.context() as patch:
        patch.setattr(type(registry.client), "set_terminated", _killed)
        with pytest.raises(KeyboardInterrupt, match="killed"):
            log_trial(registry, study, trial)
    run_id = log_trial(registry, study, trial)
    assert len(runs(registry, "track-c")) == 2
    assert len(registry.client.get_metric_history(run_id, "score")) == 1
    assert registry.client.get_run(run_id).info.status == "FINISHED"


def test_further_training_is_a_run_of_its_own_beside_its_trial(registry: Registry) -> None:
    study = start_study(registry, "track-f", "s1", {})
    own = log_trial(registry, study, Trial(3, {"dropout": 0.1}, {1: 0.5}, "complete"))
    again = [Trial(3, {"dropout": 0.1}, {1: 0.6}, "complete", n) for n in (1, 2, 1)]
    first, second, repeated = (log_trial(registry, study, trial) for trial in again)
    assert len({own, first, second}) == 3
    assert repeated == first
    run = registry.client.get_run(second)
    assert run.info.run_name == "trial 3, seed 3"
    assert run.data.tags["mlflow.parentRunId"] == study


def test_same_number_in_another_study_is_another_trial(registry: Registry) -> None:
    trial = Trial(0, {}, {1: 0.5}, "failed")
    first = log_trial(registry, start_study(registry, "track-d", "s1", {}), trial)
    second = log_trial(registry, start_study(registry, "track-d", "s2", {}), trial)
    assert first != second


def test_training_is_one_run_per_lineage_with_its_curve(registry: Registry) -> None:
    study = start_study(registry, "track-e", "s1", {})
    history = [{"epoch": 1, "loss": 1.0, "score": 0.5}, {"epoch": 2, "loss": 0.5, "score": 0.8}]
    run_id = log_training(registry, study, "lineage-e", {"epochs": 2}, history)
    assert log_training(registry, study, "lineage-e", {"epochs": 2}, history) == run_id
    assert log_training(registry, study, "lineage-f", {"epochs": 2}, history) != run_id
    assert len(registry.client.get_metric_history(run_id, "loss")) == 2
    assert registry.client.get_run(run_id).info.status == "FINISHED"


def test_more_params_and_points_than_one_call_takes_are_all_logged(registry: Registry) -> None:
    study = start_study(registry, "track-g", "s1", {f"p{i}": i for i in range(130)})
    assert len(registry.client.get_run(study).data.params) == 130
    run = log_trial(registry, study, Trial(0, {}, {i: i / 2000 for i in range(1500)}, "complete"))
    assert len(registry.client.get_metric_history(run, "score")) == 1500


def _killed(*_: object) -> None:
    raise KeyboardInterrupt("killed")


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
