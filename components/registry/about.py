"""In: what registration knows beside the bundle. Out: two small files in the model, and back again.

They are written before the model is sealed, so a version has them from its first moment on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from components.files import read_json, write_json
from components.registry.aliases import model_version
from components.registry.card import Facts
from components.registry.place import Registry
from components.registry.waiting import away, patient

FOLDER: Final = "about"
PROFILE: Final = "profile.json"
FACTS: Final = "facts.json"


def write_about(model: Path, profile: Mapping[str, Any], facts: Facts) -> None:
    """Write both files into a model's folder.

    Args:
        model: the folder that is uploaded.
        profile: of the data, as `components.profile` gives it: no text is in it.
        facts: for the model card.
    """
    write_json(model / FOLDER / PROFILE, dict(profile))
    write_json(model / FOLDER / FACTS, facts.as_json())


@patient
def fetch_profile(registry: Registry, name: str, version: int) -> dict[str, Any] | None:
    """Return the profile of the data that a version was made from; None when none was kept.

    Raises:
        PromotionError: there is no such version.
    """
    return _fetch(registry, name, version, PROFILE)


def fetch_facts(registry: Registry, name: str, version: int) -> Facts:
    """Return what the model card needs; what was not kept is not stated.

    Raises:
        PromotionError: there is no such version.
    """
    found = _fetch(registry, name, version, FACTS) or {}
    return Facts(**{key: value for key, value in found.items() if key in Facts.__annotations__})


def _fetch(registry: Registry, name: str, version: int, title: str) -> dict[str, Any] | None:
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    model_version(registry, name, version)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with registry.as_default():
                uri = f"models:/{name}/{version}/{FOLDER}/{title}"
                path = Path(download_artifacts(artifact_uri=uri, dst_path=scratch))
        except (MlflowException, OSError) as error:
            if away(registry, error):
                raise
            # Versions that were registered before, or by others, have none.
            return None
        found = read_json(path) if path.is_file() else None
    return found if isinstance(found, dict) else None
