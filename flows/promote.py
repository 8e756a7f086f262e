"""In: a verdict. Out: the champion alias on the version that it is about, or the reason why not."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from components.files import read_json
from components.params import ReleaseParams
from components.registry import open_registry
from components.registry import promote as move_champion
from flows.stage import STATE


@flow(validate_parameters=False)
def promote(release: ReleaseParams, verdict: Path = Path("registry/verdict.json")) -> str:
    """Make the verdict's candidate the champion, if the verdict says so and still stands."""
    registry = open_registry(STATE, release.service_wait_seconds)
    return move_champion(registry, read_json(verdict)).sentence
