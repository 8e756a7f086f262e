"""In: a version of a model. Out: its bundle in a local folder, verified against its digest."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

from components.errors import IntegrityError, TouchstoneError
from components.files import atomic_folder, verify_manifest
from components.registry.aliases import model_version, seen
from components.registry.place import Registry
from components.registry.waiting import patient

BUNDLE: Final = "bundle"
BUNDLE_PATH: Final = f"artifacts/{BUNDLE}"


@patient
def fetch(registry: Registry, name: str, version: int) -> Path:
    """Return the folder of a version's bundle, downloaded once and kept under its digest.

    Raises:
        IntegrityError: what the registry holds is not what was registered.
        PromotionError: there is no such version.
        TouchstoneError: the version's files are gone.
    """
    digest = _digest(registry, name, version)
    kept = registry.state / "bundles" / digest
    if kept.exists() and _is(kept, digest):
        return kept
    with atomic_folder(kept) as folder:
        _whole(registry, name, version, digest, folder)
    return kept


def verify_stored(registry: Registry, name: str, version: int) -> None:
    """Download a version's bundle once more, whatever is kept here, and check it.

    Raises:
        IntegrityError: what the registry holds is not what was registered.
        PromotionError: there is no such version.
        TouchstoneError: the version's files are gone.
    """
    with tempfile.TemporaryDirectory() as scratch:
        _whole(registry, name, version, _digest(registry, name, version), Path(scratch))


def _digest(registry: Registry, name: str, version: int) -> str:
    digest = seen(model_version(registry, name, version)).digest
    if not digest:
        raise IntegrityError(
            f"version {version} of {name} carries no digest: it was not registered by this project",
            "register a version with `dvc repro`",
        )
    return digest


def _whole(registry: Registry, name: str, version: int, digest: str, folder: Path) -> None:
    _download(registry, name, version, folder)
    if not _is(folder, digest):
        raise IntegrityError(
            f"version {version} of {name}: its files in the registry are not those of digest "
            f"{digest}",
            "delete that version and register it again with `dvc repro --force register`",
        )


def _is(folder: Path, digest: str) -> bool:
    try:
        return verify_manifest(folder) == digest
    except (IntegrityError, OSError):
        return False


def _download(registry: Registry, name: str, version: int, folder: Path) -> None:
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as scratch:
        try:
            # An address given as an argument is not handed on to every look-up inside.
            with registry.as_default():
                uri = f"models:/{name}/{version}/{BUNDLE_PATH}"
                found = download_artifacts(artifact_uri=uri, dst_path=scratch)
        except (MlflowException, OSError) as error:
            raise TouchstoneError(
                f"version {version} of {name}: its files cannot be read: {error}",
                "restore the artifact store, or register another version with `dvc repro`",
            ) from error
        shutil.copytree(found, folder, dirs_exist_ok=True)
