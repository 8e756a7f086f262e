"""In: a version's number, or any digest. Out: what it came from, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from components.errors import TouchstoneError
from components.registry.aliases import DIGEST
from components.registry.ledger import Entry, open_ledger
from components.registry.moves import standing
from components.registry.place import Registry
from components.registry.waiting import away, patient

# Shorter pieces of a digest would mean many things.
SHORTEST: Final = 6
# From the data on; each is a tag of the version.
ORIGIN: Final = (
    ("raw data", "touchstone.raw_data"),
    ("data", "touchstone.data"),
    ("test split", "touchstone.test"),
    ("code", "touchstone.code"),
    ("commit", "touchstone.commit"),
    ("params", "touchstone.params"),
    ("lock file", "touchstone.lock"),
    ("encoder", "touchstone.encoder"),
    ("encoder source", "touchstone.encoder_source"),
    ("study", "touchstone.study"),
    ("trial", "touchstone.trial"),
    ("lineage", "touchstone.lineage"),
    ("bundle", DIGEST),
)


@dataclass(frozen=True)
class Trace:
    """One version, and everything that hangs on it.

    Attributes:
        title: the version.
        origin: what it came from, as name and value, in the order of the line.
        outcome: what came of it, likewise, oldest first.
    """

    title: str
    origin: tuple[tuple[str, str], ...]
    outcome: tuple[tuple[str, str], ...]


@patient
def trace(registry: Registry, name: str, of: str) -> list[Trace]:
    """Find the versions that `of` names, or that it had a part in.

    Args:
        registry: where.
        name: the model.
        of: a version's number, or at least six characters from the start of an id or a digest: a
            lineage's, a bundle's, of the data, of the code, a commit, a verdict's page.

    Raises:
        TouchstoneError: nothing is known of it.
    """
    entries = open_ledger(registry).read(name)
    versions = registry.client.search_model_versions(f"name = '{name}'")
    versions = sorted(versions, key=lambda version: int(version.version))
    found = [version for version in versions if _named(version, entries, of)]
    if not found:
        raise TouchstoneError(
            f"{of!r} is neither a version of {name} nor the start of an id or digest of one",
            f"`python -m flows history` lists the versions; give {SHORTEST} characters at least",
        )
    return [_trace(registry, version, entries) for version in found]


def _named(version: Any, entries: list[Entry], of: str) -> bool:  # noqa: ANN401
    if of == str(version.version):
        return True
    known = [*version.tags.values(), str(version.run_id)]
    for entry in _decisions(entries, version.tags.get(DIGEST, "")):
        known += [entry.hash, *entry.payload["report"].values()]
        # Whom it was compared with had no part in it.
        evidence = entry.payload["verdict"]["evidence"]
        known += [value for part, value in evidence.items() if part != "champion"]
    return len(of) >= SHORTEST and any(value.startswith(of) for value in known)


def _trace(registry: Registry, version: Any, entries: list[Entry]) -> Trace:  # noqa: ANN401
    tags, number = version.tags, int(version.version)
    origin = [(title, tags[tag]) for title, tag in ORIGIN if tag in tags]
    if version.run_id:
        origin.append(("run", f"{version.run_id} ({_run(registry, version.run_id)})"))
    outcome = list(_outcome(entries, number, tags.get(DIGEST, "")))
    now = standing(entries).champion
    if now is not None and now.version == number:
        outcome.append(("now", "the champion"))
    return Trace(f"{version.name} version {number}", tuple(origin), tuple(outcome))


def _outcome(entries: list[Entry], number: int, digest: str) -> Iterator[tuple[str, str]]:
    decisions = {entry.seq for entry in _decisions(entries, digest)}
    for entry in entries:
        if entry.seq in decisions:
            verdict = entry.payload["verdict"]
            yield "verdict", f"{verdict['verdict']}, {entry.at}, row {entry.seq} {entry.hash}"
            for file, sha256 in sorted(entry.payload["report"].items()):
                yield file, str(sha256)
        elif entry.verb in {"done", "by hand"}:
            how = {"promote": "promoted", "rollback": "rolled back"}
            word = how.get(entry.payload.get("action", ""), "moved by hand")
            for end, title in (("after", "in production"), ("before", "no longer")):
                if (entry.payload[end] or {}).get("version") == number:
                    yield title, f"{word}, {entry.at}, by {entry.who}"


def _decisions(entries: list[Entry], digest: str) -> list[Entry]:
    return [
        entry
        for entry in entries
        if entry.verb == "decision" and entry.payload["verdict"]["evidence"]["candidate"] == digest
    ]


def _run(registry: Registry, run_id: str) -> str:
    """Return the run's name, or that it is gone: the version outlives it."""
    from mlflow.exceptions import MlflowException

    try:
        return str(registry.client.get_run(run_id).info.run_name)
    except MlflowException as error:
        if away(registry, error):
            raise
        return "deleted"
