"""In: the name of a kind. Out: its task, from the file of that name; there is no registry."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Final, cast

from components.errors import ParamsError
from components.tasks.base import Task, TaskOptions

# What tasks are made of; all other files of this folder are kinds.
SHARED: Final = frozenset({"base", "whole"})


def task_kinds() -> list[str]:
    """Return the kinds there are: one file of this folder each."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name not in SHARED)


def options_type(kind: str) -> type[TaskOptions]:
    """Return the options class of a kind.

    Raises:
        ParamsError: no file has that name.
    """
    if kind not in task_kinds():
        known = ", ".join(task_kinds())
        raise ParamsError(f"task.kind: unknown kind {kind!r}", f"choose one of: {known}")
    module = importlib.import_module(f"components.tasks.{kind}")
    return cast(type[TaskOptions], module.Options)


def load_task(options: TaskOptions) -> Task:
    """Return the task that these options describe."""
    return cast(Task, importlib.import_module(f"components.tasks.{options.kind}").build(options))
