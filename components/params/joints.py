"""In: sections that are each right. Out: the mistakes that lie between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import InitErrorDetails

from components.params.augmentation import AugmentationParams
from components.params.base import mistake
from components.params.data import ColumnsParams
from components.params.learning import DistillationParams
from components.params.search import Range, SearchParams
from components.params.training import TrainingParams
from components.tasks.base import Loss, Task

# Which kinds of targets a way to learn is defined for, and the value that turns it off.
LEARNS: Final[Mapping[str, tuple[Loss, ...]]] = {
    "label_smoothing": ("one_label", "label_or_none", "many_labels", "each_token"),
    "class_weights": ("one_label", "label_or_none"),
    "contrastive_epochs": ("one_label",),
}
OFF: Final[Mapping[str, object]] = {
    "label_smoothing": 0.0,
    "class_weights": "none",
    "contrastive_epochs": 0,
}
# What an example must have for an edit that only some tasks know.
OWN_EDITS: Final[Mapping[str, str]] = {"entity": "entities", "context": "context"}
# What an edit asks.
ASKED: Final[Mapping[str, str]] = {"masked": "masked_model", "backtranslation": "translators"}
# Which kinds of targets are labels of a whole example, of which some may be rare.
BALANCED: Final[tuple[Loss, ...]] = ("one_label", "label_or_none", "many_labels")


def column_mistakes(columns: ColumnsParams, needed: Iterable[str]) -> Iterator[InitErrorDetails]:
    """Yield a mistake for each field that the task needs and is not named, or the other way."""
    needed = list(needed)
    place = ("ingestion", "columns", "fields")
    for name in needed:
        if name not in columns.fields:
            yield mistake((*place, name), "missing: the task needs it")
    for name in columns.fields:
        if name not in needed:
            yield mistake((*place, name), f"the task has no such field: {', '.join(needed)}")
    for name in columns.values:
        if name not in needed:
            rule = f"the task has no such field: {', '.join(needed)}"
            yield mistake(("ingestion", "columns", "values", name), rule)


def augmentation_mistakes(
    task: Task, augmentation: AugmentationParams
) -> Iterator[InitErrorDetails]:
    """Yield a mistake for each edit that is on and finds nothing to change in the task's rows."""
    known = task.edits(())
    for name, needed in OWN_EDITS.items():
        share = getattr(augmentation.edits, name)
        if share and name not in known:
            rule = f"must be 0: rows of the task {task.options.kind} have no {needed}"
            yield mistake(("augmentation", "edits", name), rule, share)
    if (share := augmentation.edits.backtranslation) and task.points:
        rule = f"must be 0: labels of the task {task.options.kind} point into the text"
        yield mistake(("augmentation", "edits", "backtranslation"), rule, share)
    yield from _balance_mistakes(task, augmentation)
    for name, model in ASKED.items():
        if (share := getattr(augmentation.edits, name)) and getattr(augmentation, model) is None:
            rule = f"must be 0 where augmentation.{model} is null: it asks that"
            yield mistake(("augmentation", "edits", name), rule, share)


def _balance_mistakes(task: Task, augmentation: AugmentationParams) -> Iterator[InitErrorDetails]:
    share, rules = augmentation.balance, []
    if share and task.loss not in BALANCED:
        rules.append(f"must be 0: answers of the task {task.options.kind} are no labels to count")
    if share and not augmentation.edits.on:
        rules.append("must be 0 where no edit is on that could make copies")
    yield from (mistake(("augmentation", "balance"), rule, share) for rule in rules)


def space_mistakes(search: SearchParams, training: TrainingParams) -> Iterator[InitErrorDetails]:
    """Yield a mistake for each value of the search space that training would refuse."""
    for name, space in search.space.items():
        whole = TrainingParams.model_fields[name].annotation is int
        for place, value in _values(space):
            number = int(value) if whole and isinstance(value, float) and value % 1 == 0 else value
            if place == "step":
                if whole and not isinstance(number, int):
                    yield mistake(("search", "space", name, place), "must be whole", value)
                continue
            for rule in _refusals(training, name, number):
                found = None if "found" in rule else value
                yield mistake(("search", "space", name, place), rule, found)


def learning_mistakes(
    task: Task, training: TrainingParams, search: SearchParams, distillation: DistillationParams
) -> Iterator[InitErrorDetails]:
    """Yield a mistake for each way to learn that the task's targets do not allow."""
    kind = task.options.kind
    for name, off in OFF.items():
        if task.loss in LEARNS[name]:
            continue
        if getattr(training, name) != off:
            yield mistake(("training", name), f"must be {off}: the task {kind} has no use for it")
        if name in search.space:
            yield mistake(("search", "space", name), f"the task {kind} has no use for it")
    if distillation.teachers and task.loss != "one_label":
        rule = f"must be 0: teachers of the task {kind} cannot be put together"
        yield mistake(("distillation", "teachers"), rule, distillation.teachers)


def floor_mistakes(task: Task, floors: Mapping[str, float]) -> Iterator[InitErrorDetails]:
    """Yield a mistake for each floor of a metric that the task does not have."""
    for name, value in floors.items():
        if name not in task.figures:
            known = ", ".join(task.figures)
            yield mistake(("gate", "floors", name), f"the task has only: {known}", value)


def _values(space: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - Range or Choice
    if isinstance(space, Range):
        yield "low", space.low
        yield "high", space.high
        if space.step is not None:
            yield "step", space.step
    else:
        yield from (("choices", choice) for choice in space.choices)


def _refusals(training: TrainingParams, name: str, value: object) -> Iterator[str]:
    try:
        TrainingParams.model_validate(training.model_dump() | {name: value})
    except ValidationError as error:
        yield from (e["msg"].removeprefix("Value error, ") for e in error.errors())
