"""In: a study, its trials and a training. Out: MLflow runs, each made once however often asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

from components.failpoints import failpoint
from components.registry.locks import safe
from components.registry.place import Registry, local_artifacts
from components.registry.waiting import patient

PARENT: Final = "mlflow.parentRunId"
KIND: Final = "touchstone.kind"
STUDY: Final = "touchstone.study"
TRIAL: Final = "touchstone.trial"
ROUND: Final = "touchstone.round"
REASON: Final = "touchstone.reason"
LINEAGE: Final = "touchstone.lineage"
EPOCH: Final = "epoch"
# What MLflow takes in one call.
METRICS_PER_CALL: Final = 1000
PARAMS_PER_CALL: Final = 100
# Of a tag's value.
LONGEST: Final = 5000

State = Literal["complete", "pruned", "failed"]
STATUS: Final[Mapping[State, str]] = {
    "complete": "FINISHED",
    "pruned": "KILLED",
    "failed": "FAILED",
}


@dataclass(frozen=True)
class Trial:
    """One trial of a search that has ended, or a further training of it with another seed.

    Attributes:
        number: its place in the study, from 0.
        values: what was tried, as field of `training` to value.
        scores: per epoch, the validation score.
        state: how it ended.
        round: 0 for the trial itself, from 1 for its further trainings.
        curves: by name, points by step or epoch: loss, learning rate.
        reason: why it was pruned or failed.
    """

    number: int
    values: Mapping[str, object]
    scores: Mapping[int, float]
    state: State
    round: int = 0
    curves: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    reason: str | None = None


def experiment(registry: Registry, name: str) -> str:
    """Return the id of the experiment of that name, made when it is absent."""
    from mlflow.exceptions import MlflowException

    client = registry.client
    if found := client.get_experiment_by_name(name):
        return str(found.experiment_id)
    # A server knows where artifacts go; a bare SQLite file would put them in the working folder.
    local = registry.uri.startswith("sqlite")
    place = (local_artifacts(registry.state) / name).as_uri() if local else None
    try:
        return str(client.create_experiment(name, artifact_location=place))
    except MlflowException:
        # Another process was quicker.
        if found := client.get_experiment_by_name(name):
            return str(found.experiment_id)
        raise


@patient
def start_study(registry: Registry, name: str, study: str, params: Mapping[str, object]) -> str:
    """Return the id of the study's run in experiment `name`, made when it is absent."""
    where = experiment(registry, name)
    run = _run(registry, where, f"study {study}", {KIND: "study", STUDY: study})
    _log(registry, run, params=params)
    return str(run.info.run_id)


@patient
def log_trial(registry: Registry, study_run: str, trial: Trial) -> str:
    """Log one trial, or further training, under its study's run; logging it again changes nothing.

    Returns:
        The run's id.
    """
    parent = registry.client.get_run(study_run)
    key = {KIND: "trial", STUDY: parent.data.tags[STUDY], TRIAL: str(trial.number)}
    title = f"trial {trial.number}"
    if trial.round:
        key |= {KIND: "finalist", ROUND: str(trial.round)}
        title += f", seed {trial.round + 1}"
    run = _run(registry, parent.info.experiment_id, title, key, study_run)
    if run.info.status == STATUS[trial.state]:
        return str(run.info.run_id)
    curves = {**trial.curves, "score": trial.scores}
    points = [(name, value, at) for name, curve in curves.items() for at, value in curve.items()]
    _log(registry, run, trial.values, points)
    if trial.reason:
        registry.client.set_tag(run.info.run_id, REASON, trial.reason[:LONGEST])
    _end(registry, run, STATUS[trial.state])
    return str(run.info.run_id)


@patient
def log_report(registry: Registry, study_run: str, page: Path) -> str:
    """Put a page beside a study's run; put there again, it replaces the one that stands there.

    Returns:
        Its address: among a server's pages, else the file's own.
    """
    registry.client.log_artifact(study_run, str(page))
    if not registry.uri.startswith(("http://", "https://")):
        return page.resolve().as_uri()
    where = registry.client.get_run(study_run).info.experiment_id
    server = safe(registry.uri).rstrip("/")
    return f"{server}/#/experiments/{where}/runs/{study_run}/artifacts/{page.name}"


@patient
def log_training(
    registry: Registry,
    study_run: str,
    lineage: str,
    params: Mapping[str, object],
    history: Sequence[Mapping[str, float]],
) -> str:
    """Log the training of the lineage under its study's run; logging it again changes nothing.

    Args:
        registry: where to.
        study_run: the id that `start_study` gave.
        lineage: the id that names this training.
        params: of the training section, as it was used.
        history: per epoch, figures by name, with the epoch's number as "epoch".

    Returns:
        The run's id.
    """
    where = registry.client.get_run(study_run).info.experiment_id
    run = training_run(registry, where, lineage, study_run)
    metrics = [
        (name, float(value), int(row[EPOCH]))
        for row in history
        for name, value in row.items()
        if name != EPOCH
    ]
    _log(registry, run, params, metrics)
    _end(registry, run, "FINISHED")
    registry.client.set_terminated(study_run, "FINISHED")
    return str(run.info.run_id)


def _end(registry: Registry, run: Any, status: str) -> None:  # noqa: ANN401
    """Write how a run ended, once all that belongs to it stands there."""
    failpoint("run.logged")
    registry.client.set_terminated(run.info.run_id, status)


def training_run(
    registry: Registry,
    where: str,
    lineage: str,
    parent: str | None = None,
) -> Any:  # noqa: ANN401 - MLflow has no stubs
    """Return the run that trained this lineage, made when it is absent."""
    return _run(registry, where, "train", {KIND: "train", LINEAGE: lineage}, parent)


def log_figures(registry: Registry, run: Any, figures: Mapping[str, float], model: str) -> None:  # noqa: ANN401
    """Log final figures to a run and to its logged model; logging them again changes nothing."""
    _log(registry, run, {}, [(name, value, 0) for name, value in figures.items()], model)


def _run(
    registry: Registry,
    where: str,
    title: str,
    key: Mapping[str, str],
    parent: str | None = None,
) -> Any:  # noqa: ANN401
    """Return the oldest run that carries these tags, made when it is absent; it stays the only one.

    A server that was frozen may still do what it was asked before, after it was asked again.
    """
    rule = " and ".join(f"tags.`{name}` = '{value}'" for name, value in key.items())
    found = registry.client.search_runs([where], rule, order_by=["attributes.start_time ASC"])
    for twin in found[1:]:
        registry.client.delete_run(twin.info.run_id)
    if found:
        return found[0]
    tags = dict(key) | ({PARENT: parent} if parent else {})
    made = registry.client.create_run(where, tags=tags, run_name=title)
    failpoint("run.created")
    return made


def _log(
    registry: Registry,
    run: Any,  # noqa: ANN401
    params: Mapping[str, object] = {},
    metrics: Iterable[tuple[str, float, int]] = (),
    model: str | None = None,
) -> None:
    """Log in few calls; a figure that is there already is not doubled."""
    from mlflow.entities import Metric, Param

    # The time is part of a metric's key: a fixed one makes the second attempt a no-op.
    start = run.info.start_time
    points = [Metric(n, v, start + step, step, model_id=model) for n, v, step in metrics]
    values = [Param(n, str(v)) for n, v in params.items() if n not in run.data.params]
    for some in _chunks(points, METRICS_PER_CALL):
        registry.client.log_batch(run.info.run_id, metrics=some)
    for some in _chunks(values, PARAMS_PER_CALL):
        registry.client.log_batch(run.info.run_id, params=some)


def _chunks(items: Iterable[Any], size: int) -> Iterable[list[Any]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
