"""In: runs, bundles and verdicts. Out: the same in MLflow; the only package that may import it."""

from components.registry.about import fetch_profile
from components.registry.aliases import CHALLENGER, CHAMPION, Seen, champion
from components.registry.attach import attach
from components.registry.card import Facts, model_card
from components.registry.decisions import decided, record_decision, test_uses, withdrawn
from components.registry.doctor import Finding, examine
from components.registry.fetch import fetch
from components.registry.ledger import Entry, Ledger, open_ledger
from components.registry.place import Registry, begun, local_uri, open_registry
from components.registry.promote import Move, promote, rollback
from components.registry.register import Submission, register
from components.registry.smoke import probes
from components.registry.trace import Trace, trace
from components.registry.tracking import Trial, log_report, log_training, log_trial, start_study
from components.registry.waiting import refusal

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "Entry",
    "Facts",
    "Finding",
    "Ledger",
    "Move",
    "Registry",
    "Seen",
    "Submission",
    "Trace",
    "Trial",
    "attach",
    "begun",
    "champion",
    "decided",
    "examine",
    "fetch",
    "fetch_profile",
    "local_uri",
    "log_report",
    "log_training",
    "log_trial",
    "model_card",
    "open_ledger",
    "open_registry",
    "probes",
    "promote",
    "record_decision",
    "refusal",
    "register",
    "rollback",
    "start_study",
    "test_uses",
    "trace",
    "withdrawn",
]
