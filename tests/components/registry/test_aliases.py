"""In: a registry that refuses. Out: what is absent is told from what is refused."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

from components.errors import PromotionError
from components.registry.aliases import model_version, with_alias
from components.registry.place import Registry


def refusing(registry: Registry) -> Registry:
    """Return the registry with a client that may read nothing."""

    def refuse(*_: object) -> NoReturn:
        raise MlflowException("Permission denied", error_code=PERMISSION_DENIED)

    client: Any = SimpleNamespace(get_model_version=refuse, get_model_version_by_alias=refuse)
    return replace(registry, client=client)


def test_a_version_that_is_not_there_is_told_with_a_cure(registry: Registry) -> None:
    with pytest.raises(PromotionError, match="reg-none has no version 3"):
        model_version(registry, "reg-none", 3)


def test_a_refused_look_is_not_taken_for_an_absent_version(registry: Registry) -> None:
    with pytest.raises(MlflowException, match="Permission denied"):
        model_version(refusing(registry), "reg-none", 3)
    with pytest.raises(MlflowException, match="Permission denied"):
        with_alias(refusing(registry), "reg-none", "champion")
