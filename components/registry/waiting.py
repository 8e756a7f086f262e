"""In: calls of MLflow and of the ledger. Out: the same, done again as a whole after an absence.

Every function that carries `@patient` may be killed at any line and called again, and counts once;
so it may also be done again when a backend was away in its middle. What it did before is found by
its key (a digest, a tag, a row's key), and a lock that was lost is taken anew.
"""

from __future__ import annotations

import functools
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeVar

from components.errors import TouchstoneError
from components.patience import Backend, causes, database_away, unreachable, veiled, wait_out
from components.registry.locks import connects, ledger_address, safe

if TYPE_CHECKING:
    from components.registry.place import Registry

P = ParamSpec("P")
R = TypeVar("R")

# "Not now": request timeout, too many requests, and the three of a gateway.
LATER: Final = frozenset({408, 429, 502, 503, 504})
STATUS: Final = re.compile(r"error code (\d{3}) != |too many (\d{3}) error responses")
SERVER_ERROR: Final = 500
SECONDS: Final = 5.0
# Characters of what was said that a person is told.
LONGEST: Final = 300


def patient(
    function: Callable[Concatenate[Registry, P], R],
) -> Callable[Concatenate[Registry, P], R]:
    """Make a function of the registry wait for MLflow and the ledger, `registry.patience` long."""

    @functools.wraps(function)
    def waiting(registry: Registry, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return waited_for(registry, lambda: function(registry, *args, **kwargs))

    return waiting


def waited_for(registry: Registry, work: Callable[[], R]) -> R:
    """Do work that needs MLflow and the ledger, again as a whole after an absence.

    Raises:
        Away: one of them was away for longer than `registry.patience`.
    """
    return wait_out((_ledger(registry), books(registry.uri)), registry.patience, work)


def away(registry: Registry, error: BaseException) -> bool:
    """Tell whether an error says that MLflow or the ledger is away, and nothing about its books."""
    return _ledger(registry).absent(error) or books(registry.uri).absent(error)


def refusal(error: BaseException) -> TouchstoneError | None:
    """Return what MLflow or a database answered, for a person; None for any other error.

    Whoever is there and says no (no right to write, a deleted experiment, a full disk) is not
    waited for. That it happened in the middle of a stage is no harm: done again, it counts once.
    """
    if "mlflow" not in sys.modules:
        return None
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    kinds = {"MLflow": MlflowException, "the database of MLflow or of the ledger": SQLAlchemyError}
    for who, kind in kinds.items():
        if isinstance(error, kind):
            said = next(iter(str(error).strip().splitlines()), type(error).__name__)
            return TouchstoneError(
                f"{who} refused: {veiled(said)[:LONGEST]}",
                "mend what it names, then run the same command again: what was done counts once",
            )
    return None


def books(uri: str) -> Backend:
    """Return MLflow as something to wait for."""
    if uri.startswith(("http://", "https://")):
        cure = "start it (`make up` starts a local one; unset MLFLOW_TRACKING_URI to do without)"
        return Backend(
            f"MLflow at {safe(uri)}",
            cure,
            lambda error: unreachable(error) or _unavailable(error) or database_away(error),
            lambda: health(uri) is None,
            # MLflow's own rollback fails when its database goes away in a write: status 500, once.
            lambda error: SERVER_ERROR in _statuses(error),
        )
    return Backend(
        f"MLflow's database at {safe(uri)}",
        "start it" if not uri.startswith("sqlite") else "end what keeps it locked",
        lambda error: unreachable(error) or database_away(error),
        lambda: connects(uri),
    )


def _ledger(registry: Registry) -> Backend:
    address = ledger_address(registry)
    return Backend(
        f"the ledger at {safe(address)}",
        "start it" if not address.startswith("sqlite") else "end what keeps it locked",
        lambda error: database_away(error) and not _is_mlflow(error),
        lambda: connects(address),
    )


def health(uri: str) -> str | None:
    """Return why an MLflow server cannot be used, or None."""
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=SECONDS):
            return None
    except urllib.error.HTTPError as error:
        # A guarded server asks who we are; it is there.
        return None if error.code < SERVER_ERROR else f"status {error.code}"
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


def _is_mlflow(error: BaseException) -> bool:
    from mlflow.exceptions import MlflowException

    return any(isinstance(one, MlflowException) for one in causes(error))


def _unavailable(error: BaseException) -> bool:
    """Tell whether a server, or the proxy before it, says that it cannot answer now."""
    return not LATER.isdisjoint(_statuses(error))


def _statuses(error: BaseException) -> set[int]:
    """Return the statuses that servers gave, whatever MLflow and urllib3 made of them."""
    from mlflow.exceptions import RestException

    found = set()
    for one in causes(error):
        if isinstance(one, RestException):
            found.add(int(one.get_http_status_code()))
        elif said := STATUS.search(str(one)):
            found.add(int(said[1] or said[2]))
    return found
