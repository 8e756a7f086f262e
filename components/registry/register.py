"""In: an int8 bundle and what was measured of it. Out: a version of the model, and its receipt.

Everything is keyed by the bundle's digest: killed at any line and run again, it ends with one run,
one logged model and one version. The alias `champion` is never touched.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from components.errors import DataError, IntegrityError
from components.failpoints import failpoint
from components.files import read_json, verify_manifest, write_json
from components.inference import load_bundle
from components.params import RegistryParams
from components.profile import profile
from components.records import iter_examples
from components.registry import tracking
from components.registry.about import write_about
from components.registry.aliases import (
    CHALLENGER,
    DIGEST,
    Seen,
    champion,
    model_version,
    with_digest,
)
from components.registry.attach import REPORT
from components.registry.card import Facts, fitting
from components.registry.commit import commit
from components.registry.description import Page, describe_model, describe_version
from components.registry.locks import model_lock
from components.registry.place import Registry
from components.registry.report import Reports, figures, read_reports
from components.registry.waiting import patient
from components.tasks.base import Example

SAMPLE_TEXTS: Final = 2
READY: Final = "READY"
REST: Final = "What was measured stands in the reports beside its run."


@dataclass(frozen=True)
class Submission:
    """What is registered.

    Attributes:
        bundle: the int8 bundle.
        evaluation: folder with a report for each artifact, and pictures.
        parity: report on torch against ONNX.
        data: folder with the examples that it was trained and judged on, with their card.
        origin: where it comes from beside its lineage, such as study and trial; each is a tag.
    """

    bundle: Path
    evaluation: Path
    parity: Path
    data: Path
    origin: Mapping[str, str] = field(default_factory=dict)


@patient
def register(
    registry: Registry, name: str, params: RegistryParams, submission: Submission, out: Path
) -> dict[str, Any]:
    """Make the bundle a version of model `name`, or find the version that it already is.

    Args:
        registry: where.
        name: of the registered model and of the experiment.
        params: what the page says beside the figures.
        submission: what is registered.
        out: folder that gets `receipt.json`.

    Returns:
        The receipt.

    Raises:
        IntegrityError: the bundle was altered, or the reports are about another one.
    """
    digest = verify_manifest(submission.bundle)
    reports = read_reports(submission.evaluation, submission.parity)
    if reports.int8.get("digest") != digest:
        raise IntegrityError(
            f"{submission.evaluation}/int8.json is about digest {reports.int8.get('digest')}, "
            f"the bundle has {digest}",
            "run `dvc repro` to evaluate this bundle",
        )
    card = read_json(submission.bundle / "bundle.json")
    with model_lock(registry, name):
        now = champion(registry, name)
        page = _page(registry, name, params, submission, (digest, card, reports, now))
        version, run_id = _version(registry, page, submission)
        if now is None or now.version != version:
            registry.client.set_registered_model_alias(name, CHALLENGER, str(version))
        failpoint("register.challenger")
    receipt = {
        "name": name,
        "version": version,
        "run_id": run_id,
        "digest": digest,
        "lineage": card["lineage"],
        "champion": now.as_json() if now else None,
    }
    write_json(out / "receipt.json", receipt)
    return receipt


def _page(
    registry: Registry,
    name: str,
    params: RegistryParams,
    submission: Submission,
    facts: tuple[str, dict[str, Any], Reports, Seen | None],
) -> Page:
    digest, card, reports, now = facts
    data = read_json(submission.data / "card.json")
    return Page(
        name=name,
        digest=digest,
        lineage=card["lineage"],
        task=card["task"],
        reports=reports,
        rows={split: _rows(submission.data, split) for split in ("train", "validation", "test")},
        licence=str(data.get("licence") or "not stated"),
        champion=now,
        champion_scores=_scores(registry, name, now),
        params=params,
        origin={**submission.origin, **({"commit": head} if (head := commit()) else {})},
    )


def _version(registry: Registry, page: Page, submission: Submission) -> tuple[int, str]:
    """Return version and run of the bundle, made where they are missing."""
    client = registry.client
    where = tracking.experiment(registry, page.name)
    run = tracking.training_run(registry, where, page.lineage["id"])
    run_id = str(run.info.run_id)
    model_id = _logged_model(registry, page, submission, (where, run_id))
    tracking.log_figures(registry, run, figures(page.reports), model_id)
    _attach(client, run_id, submission)
    _registered_model(registry, page)
    description = fitting(describe_version(page), REST)
    entry = with_digest(registry, page.name, page.digest)
    if entry is None:
        # Tags travel with the version's creation: there is no moment at which it has none.
        with registry.as_default():
            entry = client.create_model_version(
                page.name,
                source=f"models:/{model_id}",
                run_id=run_id,
                tags=_tags(page),
                description=description,
                model_id=model_id,
            )
        failpoint("register.version")
    elif REPORT not in entry.tags and not _is_champion(page):
        # Once the gate has judged it, its page is the model card.
        client.update_model_version(page.name, entry.version, description)
    return int(entry.version), str(entry.run_id or run_id)


def _logged_model(
    registry: Registry, page: Page, submission: Submission, place: tuple[str, str]
) -> str:
    """Return the id of the logged model of these bytes, uploaded when it is not there in full."""
    where, run_id = place
    client = registry.client
    for model in client.search_logged_models([where], f"tags.`{DIGEST}` = '{page.digest}'"):
        if str(model.status) == READY:
            return str(model.model_id)
        client.delete_logged_model(model.model_id)
    model = client.create_logged_model(where, page.name, run_id, tags=_tags(page))
    from components.registry.package import write_model

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        write_model(submission.bundle, _sample(submission.data), _tags(page), folder)
        task = load_bundle(submission.bundle).task
        write_about(folder, profile(task, submission.data), _facts(page, submission))
        client.log_model_artifacts(model.model_id, str(folder))
    failpoint("register.uploaded")
    client.finalize_logged_model(model.model_id, READY)
    return str(model.model_id)


def _tags(page: Page) -> dict[str, str]:
    tags = {DIGEST: page.digest, tracking.LINEAGE: page.lineage["id"]}
    tags |= {f"touchstone.{name}": value for name, value in page.lineage.items() if name != "id"}
    tags["touchstone.test"] = str(page.reports.int8.get("data"))
    return {f"touchstone.{name}": value for name, value in page.origin.items()} | tags


def _is_champion(page: Page) -> bool:
    return page.champion is not None and page.champion.digest == page.digest


def _facts(page: Page, submission: Submission) -> Facts:
    return Facts(
        owner=page.params.owner,
        intended_use=page.params.intended_use,
        licence=page.licence,
        task=page.task,
        rows=page.rows,
        max_length=read_json(submission.bundle / "bundle.json").get("max_length"),
        origin=page.origin,
    )


def _registered_model(registry: Registry, page: Page) -> None:
    from mlflow.exceptions import MlflowException

    try:
        registry.client.create_registered_model(page.name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    registry.client.update_registered_model(page.name, describe_model(page))


def _attach(client: Any, run_id: str, submission: Submission) -> None:  # noqa: ANN401
    """Put reports and pictures beside the run; the same names again replace them."""
    client.log_artifact(run_id, str(submission.parity), "reports")
    for file in sorted(submission.evaluation.iterdir()):
        # The predictions carry the user's texts' ids and grow with the test split.
        if file.suffix in {".json", ".png"}:
            client.log_artifact(run_id, str(file), "reports/evaluation")


def _scores(registry: Registry, name: str, now: Seen | None) -> dict[str, float]:
    """Return what the champion scored when it was registered, and on which test rows."""
    if now is None:
        return {}
    run_id = model_version(registry, name, now.version).run_id
    return dict(registry.client.get_run(run_id).data.metrics) if run_id else {}


def _rows(data: Path, split: str) -> int:
    try:
        return int(pq.read_metadata(data / f"{split}.parquet").num_rows)
    except (OSError, ValueError) as error:
        raise DataError(f"{data}/{split}.parquet cannot be read: {error}", "`dvc repro`") from error


def _sample(data: Path) -> list[Example]:
    return list(itertools.islice(iter_examples(data, "validation"), SAMPLE_TEXTS))
