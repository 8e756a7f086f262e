"""In: nothing, or a version. Out: the champion alias back on the version before, or on that one."""

from __future__ import annotations

from prefect import flow

from components.params import ProjectParams
from components.registry import open_registry
from components.registry import rollback as move_back
from flows.stage import STATE, WAIT_SECONDS


@flow(validate_parameters=False)
def rollback(project: ProjectParams, to: int | None = None) -> str:
    """Make an earlier champion the champion again: the last one, or version `--to`."""
    registry = open_registry(STATE, WAIT_SECONDS)
    return move_back(registry, project.name, to).sentence
