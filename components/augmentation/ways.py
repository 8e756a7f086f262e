"""In: a task, its training rows and which edits are on. Out: the edits, as ways to alter rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from components.augmentation.asked import Stream, Translate, backtranslated, masked
from components.edits import Edit, edits_by_name
from components.edits.masked import Guesser
from components.lexicon import read_lexicon
from components.params import AugmentationParams
from components.records import Example
from components.tasks.base import Alter, Task

M = TypeVar("M")
# From rows, and a random stream of each, to what becomes of them; None: it cannot be altered.
Way = Callable[[Sequence[Example], Sequence[Stream]], Sequence[dict[str, Any] | None]]


@dataclass(frozen=True)
class Models:
    """Models that edits ask; whoever turns such an edit on opens them.

    Attributes:
        guess: says which words could stand in a place.
        translate: to another language, and back.
    """

    guess: Guesser | None = None
    translate: tuple[Translate, Translate] | None = None


NO_MODELS: Final = Models()


def ways(
    task: Task, params: AugmentationParams, rows: Sequence[Example], models: Models
) -> Mapping[str, Way]:
    """Return the edits by their names in `augmentation.edits`, in one order.

    Those that need nothing but a text are always there; others only where they are on, so that
    whoever does not use them sees nothing of them, in no file either.

    Args:
        task: which part of an example may be altered.
        params: which edits are on.
        rows: of training, by id; what an edit draws from.
        models: those that edits ask which are on.

    Raises:
        ParamsError: the lexicon cannot be used.
    """
    edits = edits_by_name(read_lexicon(Path(params.lexicon)))
    found = {name: _each(_on_text(task, edit)) for name, edit in edits.items()}
    own = task.edits(rows)
    found |= {name: _each(alter) for name, alter in own.items() if name in params.edits.on}
    if params.edits.masked:
        found["masked"] = masked(task, _opened(models.guess), rows)
    if params.edits.backtranslation:
        found["backtranslation"] = backtranslated(task, *_opened(models.translate))
    return found


def _opened(model: M | None) -> M:
    if model is None:
        raise ValueError("an edit is on whose model was not opened")
    return model


def _each(alter: Alter) -> Way:
    """Return the way that alters each row by itself."""
    return lambda rows, streams: [alter(*pair) for pair in zip(rows, streams, strict=True)]


def _on_text(task: Task, edit: Edit) -> Alter:
    """Return the edit of a text as one of the rows that hold it."""

    def alter(row: Example, stream: np.random.Generator) -> dict[str, Any] | None:
        text = task.editable(row)
        altered = edit(text, stream)
        return None if altered == text else task.edited(row, altered)

    return alter
