"""In: a model's name. Out: its versions as they stand: champion, and by digest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from components.errors import PromotionError
from components.registry.place import Registry
from components.registry.waiting import patient

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
DIGEST: Final = "touchstone.digest"
# What MLflow says of what is not there, the first of an alias; anything else is no answer.
ABSENT: Final = frozenset({"INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"})


@dataclass(frozen=True)
class Seen:
    """A version as the registry shows it at this moment.

    Attributes:
        version: its number.
        digest: of the bundle that it serves.
    """

    version: int
    digest: str

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"version": self.version, "digest": self.digest}


def model_version(registry: Registry, name: str, version: int) -> Any:  # noqa: ANN401
    """Return MLflow's entry of a version.

    Raises:
        PromotionError: there is no such version.
    """
    from mlflow.exceptions import MlflowException

    try:
        return registry.client.get_model_version(name, str(version))
    except MlflowException as error:
        if error.error_code not in ABSENT:
            raise
        raise PromotionError(
            f"{name} has no version {version}", "`dvc repro` registers one"
        ) from error


def seen(entry: Any) -> Seen:  # noqa: ANN401
    """Return version and digest of an entry; a version that others made has an empty digest."""
    return Seen(int(entry.version), entry.tags.get(DIGEST, ""))


def with_alias(registry: Registry, name: str, alias: str) -> Any | None:  # noqa: ANN401
    """Return the entry that an alias points at, or None."""
    from mlflow.exceptions import MlflowException

    try:
        return registry.client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code not in ABSENT:
            raise
        return None


@patient
def champion(registry: Registry, name: str) -> Seen | None:
    """Return the version in production, or None when there is none yet."""
    entry = with_alias(registry, name, CHAMPION)
    return None if entry is None else seen(entry)


def with_digest(registry: Registry, name: str, digest: str) -> Any | None:  # noqa: ANN401
    """Return the oldest entry that serves these bytes, or None."""
    rule = f"name = '{name}' and tags.`{DIGEST}` = '{digest}'"
    entries = registry.client.search_model_versions(rule)
    return min(entries, key=lambda entry: int(entry.version), default=None)
