"""In: the registry, the ledger and the working folder. Out: what does not fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from components.errors import IntegrityError, TouchstoneError
from components.files import MANIFEST, read_json, sha256_file, verify_manifest
from components.registry.aliases import champion, with_alias
from components.registry.decisions import genuine
from components.registry.fetch import verify_stored
from components.registry.ledger import Ledger, open_ledger
from components.registry.moves import read_standing
from components.registry.place import Registry
from components.registry.waiting import away, patient

VERDICT: Final = Path("registry/verdict.json")
REPORTS: Final = Path("reports")
RESTORE: Final = "restore MLflow's database and the ledger from the same backup"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it must be.

    Attributes:
        what: in one sentence.
        cure: in the imperative.
    """

    what: str
    cure: str


@patient
def examine(registry: Registry, name: str, root: Path) -> list[Finding]:
    """Look at everything that a promotion rests on; nothing is changed.

    Args:
        registry: where the model is.
        name: the model.
        root: the project's folder.

    Returns:
        What is wrong, the gravest first; empty when all is well.
    """
    ledger = open_ledger(registry)
    found = [Finding(problem, RESTORE) for problem in ledger.verify()]
    found += _alias(registry, ledger, name)
    found += _bundles(registry, name, root)
    found += _verdict(ledger, root)
    if not (root / "dvc.lock").is_file():
        what = "dvc.lock is missing: nothing says what the models were made of"
        found.append(Finding(what, "`dvc repro` writes it; keep it in git"))
    return found


def _alias(registry: Registry, ledger: Ledger, name: str) -> Iterator[Finding]:
    """Compare the alias with what the ledger replays to."""
    found, now = read_standing(ledger, name), champion(registry, name)
    if found.open is not None:
        yield Finding(
            f"row {found.open.seq} of the ledger began to {found.open.payload['action']} and never "
            "ended: it was killed",
            "run the same command again: it settles what was left",
        )
    elif found.champion != now:
        there = f"version {now.version}" if now else "nothing"
        then = f"version {found.champion.version}" if found.champion else "nothing"
        yield Finding(
            f"the alias champion of {name} points at {there}, and the ledger left it at {then}: "
            "it was moved by hand",
            "the next promotion or `python -m flows rollback` writes that down",
        )


def _bundles(registry: Registry, name: str, root: Path) -> Iterator[Finding]:
    """Verify the champion in the registry, and every bundle that lies here."""
    for kept in sorted((registry.state / "bundles").glob("[0-9a-f]*")):
        yield from _folder(kept, f"delete {kept}: it is fetched again", kept.name)
    entry = with_alias(registry, name, "champion")
    if entry is not None:
        try:
            verify_stored(registry, name, int(entry.version))
        except TouchstoneError as error:
            if away(registry, error):
                raise
            yield Finding(f"the champion's bundle: {error.what}", error.cure)
    for manifest in sorted((root / "models").glob(f"*/{MANIFEST}")):
        yield from _folder(manifest.parent, f"delete {manifest.parent} and run `dvc repro`")


def _folder(folder: Path, cure: str, digest: str | None = None) -> Iterator[Finding]:
    try:
        found = verify_manifest(folder)
    except (IntegrityError, OSError, KeyError, TypeError) as error:
        yield Finding(getattr(error, "what", str(error)), cure)
        return
    if digest is not None and found != digest:
        yield Finding(f"{folder} holds a bundle of digest {found}", cure)


def _verdict(ledger: Ledger, root: Path) -> Iterator[Finding]:
    """Compare the verdict and the pages that were made from it with the ledger."""
    again = "`dvc repro --force gate` writes it as it was decided"
    try:
        verdict = read_json(root / VERDICT)
        decision = genuine(ledger, verdict)
    except TouchstoneError as error:
        yield Finding(error.what, error.cure)
        return
    report: Mapping[str, Any] = decision.payload["report"]
    for file, expected in sorted(report.items()):
        path = root / REPORTS / file
        if not path.is_file():
            yield Finding(f"{path.relative_to(root)} is missing", again)
        elif sha256_file(path) != expected:
            yield Finding(f"{path.relative_to(root)} is not the page that was decided on", again)
