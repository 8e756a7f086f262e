"""In: the int8 bundle and what was measured of it. Out: a version in MLflow, and its receipt."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from components.files import read_json
from components.params import EncoderParams, ProjectParams, RegistryParams
from components.params.load import read_tree
from components.records import CARD
from components.registry import Submission, log_training, open_registry, start_study
from components.registry import register as register_bundle
from flows.copies import copies_told
from flows.stage import STATE, WAIT_SECONDS


@flow(validate_parameters=False)
def register(
    project: ProjectParams,
    encoder: EncoderParams,
    registry: RegistryParams,
    trained: Path,
    int8: Path,
    search: Path,
    evaluation: Path,
    parity: Path,
    examples: Path,
    out: Path,
) -> str:
    """Add the int8 model to the registry as a new version; the alias `champion` stays."""
    books = open_registry(STATE, WAIT_SECONDS)
    best = read_tree(search / "best.yaml")
    study = start_study(books, project.name, best["study"], {})
    training = read_json(trained / "training.json")
    lineage = read_json(int8 / "bundle.json")["lineage"]["id"]
    log_training(books, study, lineage, training["params"], training["history"])
    origin = {
        "study": str(best["study"]),
        "trial": str(best["trial"]),
        "encoder_source": encoder.source,
        "raw_data": str(read_json(examples / CARD)["data"]),
        "altered_copies": copies_told(training.get("copies")),
    }
    submission = Submission(int8, evaluation, parity, examples, origin)
    receipt = register_bundle(books, project.name, registry, submission, out.parent)
    return f"version {receipt['version']} of {project.name}"
