"""In: data/valid. Out: data/augmented, training rows plus altered copies of some of them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from prefect import flow

from components import encoders
from components.augmentation import Models
from components.augmentation import augment as augment_rows
from components.augmentation.asked import Translate
from components.params import (
    AugmentationParams,
    ModelParams,
    ProjectParams,
    TranslatorParams,
    TranslatorsParams,
)
from components.tasks import load_task
from components.tasks.base import TaskOptions
from flows.artifacts import publish, table
from flows.stage import STATE


@flow(validate_parameters=False)
def augment(
    project: ProjectParams,
    task: TaskOptions,
    augmentation: AugmentationParams,
    valid: Path,
    out: Path,
) -> str:
    """Add altered copies of training rows; held-out rows stay untouched."""
    models = opened(augmentation)
    card = augment_rows(project, load_task(task), augmentation, valid, out, models)
    publish("augmentation", table("edit", "copies made", card["edits"]))
    return f"{sum(card['edits'].values())} altered copies of training rows"


def opened(augmentation: AugmentationParams) -> Models:
    """Open the models that edits ask which are on, and no others; torch takes seconds to import.

    Raises:
        EncoderError: a model is absent, or a file is not the one that params.yaml names.
    """
    guess = translate = None
    if augmentation.edits.masked and augmentation.masked_model:
        from components.inference.guesses import WordGuesser

        guess = WordGuesser(_located(augmentation.masked_model, "masked_model"))
    if augmentation.edits.backtranslation and (asked := augmentation.translators):
        translate = _translator(asked, "there"), _translator(asked, "back")
    return Models(guess, translate)


def _translator(translators: TranslatorsParams, way: Literal["there", "back"]) -> Translate:
    from components.inference.translation import Translator

    model: TranslatorParams = getattr(translators, way)
    folder = _located(model, f"translators.{way}")
    return Translator(folder, model.sha256, model.prefix, translators.beams)


def _located(model: ModelParams, field: str) -> Path:
    cache = STATE / "encoders"
    return encoders.locate(model.source, model.sha256, cache, f"augmentation.{field}")
