"""In: data/raw. Out: data/valid with the rows that passed, Data Docs, and a page on the data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import flow

from components.errors import Away
from components.params import IngestionParams, ProjectParams, SurveyParams, ValidationParams
from components.registry import begun, champion, fetch_profile, open_registry
from components.survey import broken, write_page
from components.survey import survey as survey_rows
from components.tasks import load_task
from components.tasks.base import TaskOptions
from components.validation import validate as validate_rows
from flows.artifacts import publish, table
from flows.stage import STATE


@flow(validate_parameters=False)
def validate(
    project: ProjectParams,
    task: TaskOptions,
    ingestion: IngestionParams,
    validation: ValidationParams,
    survey: SurveyParams,
    raw: Path,
    out: Path,
    report: Path,
    page: Path,
    figures: Path,
) -> str:
    """Reject bad rows with a reason each, list suspicious ones; end the run if a rule is broken."""
    known = load_task(task)
    card = validate_rows(known, validation, ingestion.columns.slices, raw, out, report)
    found = survey_rows(project, known, survey, ingestion, out, champion_s_data(project.name))
    said = write_page(found, card["reasons"], project.name, page, figures)
    rules = {
        rule["rule"]: f"{rule['figure']:.2%} of {rule['budget']:.0%}" for rule in found["rules"]
    }
    publish("validation", table("reason", "rejected rows", card["reasons"]))
    publish("data", f"{said}\n\n{table('rule', 'found', rules)}")
    if error := broken(found["rules"], page):
        raise error
    return f"{card['accepted']} rows passed, {card['rejected']} rejected"


def champion_s_data(name: str) -> Mapping[str, Any] | None:
    """Return the profile of the champion's data; None where none is kept, or cannot be had now.

    It decides nothing here: the gate compares again.
    """
    if not begun(STATE):
        return None  # to import MLflow takes seconds, and it has nothing to tell yet
    try:
        books = open_registry(STATE, wait_seconds=0.0)
        now = champion(books, name)
        return None if now is None else fetch_profile(books, name, now.version)
    except Away:
        return None
