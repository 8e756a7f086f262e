"""In: data/valid. Out: data/augmented, training rows plus altered copies of some of them."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from components.augmentation import augment as augment_rows
from components.params import AugmentationParams, ProjectParams
from components.tasks import load_task
from components.tasks.base import TaskOptions
from flows.artifacts import publish, table


@flow(validate_parameters=False)
def augment(
    project: ProjectParams,
    task: TaskOptions,
    augmentation: AugmentationParams,
    valid: Path,
    out: Path,
) -> str:
    """Add altered copies of training rows; held-out rows stay untouched."""
    card = augment_rows(project, load_task(task), augmentation, valid, out)
    publish("augmentation", table("edit", "copies made", card["edits"]))
    return f"{sum(card['edits'].values())} altered copies of training rows"
