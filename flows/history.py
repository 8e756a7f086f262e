"""In: the ledger. Out: on the terminal, every decision and move of the model, the newest last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from components.params import ProjectParams
from components.registry import Entry, open_ledger, open_registry
from flows.stage import STATE, WAIT_SECONDS
from flows.terminal import columns


def history(project: ProjectParams) -> str:
    """Print who decided or moved what, when and why; the newest stands last."""
    books = open_registry(STATE, WAIT_SECONDS)
    entries = open_ledger(books).read(project.name)
    rows = rows_of(entries)
    if rows:
        print("\n" + columns(["when (UTC)", "who", "what", "version", "why"], rows) + "\n")
    return f"{len(rows)} events in {len(entries)} rows of the ledger of {project.name}"


def rows_of(entries: Sequence[Entry]) -> list[list[str]]:
    """Return a line per event; an intent shows only while nothing has settled it."""
    settled = {e.payload.get("intent") for e in entries if e.verb in {"done", "abandoned"}}
    shown = [e for e in entries if not (e.verb == "intent" and e.seq in settled)]
    return [[f"{datetime.fromisoformat(e.at):%Y-%m-%d %H:%M}", e.who, *_told(e)] for e in shown]


def _told(entry: Entry) -> tuple[str, str, str]:
    """Return what happened, to which version, and why."""
    payload = entry.payload
    if entry.verb == "decision":
        verdict = payload["verdict"]
        version = str(verdict["candidate"]["version"])
        return f"verdict: {verdict['verdict']}", version, str(verdict.get("sentence", ""))
    before = payload["before"]["version"] if payload["before"] else None
    after = payload["after"]["version"] if payload["after"] else None
    if entry.verb == "by hand":
        return "moved by hand", str(after or "none"), f"the alias left version {before or 'none'}"
    action = {"promote": "promotion", "rollback": "rollback"}[payload["action"]]
    if entry.verb == "done":
        why = payload["why"] or f"after version {before}"
        return (
            {"promote": "promoted", "rollback": "rolled back"}[payload["action"]],
            str(after),
            why,
        )
    end = "it was cut short, the alias stayed" if entry.verb == "abandoned" else "not ended yet"
    return action, str(after), end
