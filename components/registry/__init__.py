"""In: runs, bundles and verdicts. Out: the same in MLflow; the only package that may import it."""

from components.registry.aliases import CHALLENGER, CHAMPION, Seen, champion
from components.registry.fetch import fetch
from components.registry.place import Registry, local_uri, open_registry
from components.registry.promote import Move, promote, rollback
from components.registry.register import Submission, register
from components.registry.tracking import Trial, log_training, log_trial, start_study

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "Move",
    "Registry",
    "Seen",
    "Submission",
    "Trial",
    "champion",
    "fetch",
    "local_uri",
    "log_training",
    "log_trial",
    "open_registry",
    "promote",
    "register",
    "rollback",
    "start_study",
]
