"""In: a verdict. Out: the champion alias on the version that it is about, or the reason why not."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from components.files import read_json
from components.registry import open_registry
from components.registry import promote as move_champion
from flows.stage import STATE, WAIT_SECONDS


@flow(validate_parameters=False)
def promote(verdict: Path = Path("registry/verdict.json")) -> str:
    """Make the verdict's candidate the champion, if the verdict says so and still stands."""
    registry = open_registry(STATE, WAIT_SECONDS)
    return move_champion(registry, read_json(verdict)).sentence
