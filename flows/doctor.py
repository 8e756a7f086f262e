"""In: ledger, registry, state and working folder. Out: that all is well, or what is not."""

from __future__ import annotations

from pathlib import Path

from components.errors import TouchstoneError
from components.params import ProjectParams
from components.registry import Finding, examine, open_registry
from components.saved import damaged
from flows.stage import STATE, WAIT_SECONDS


def doctor(project: ProjectParams) -> str:
    """Check ledger, champion, bundles, verdict, pages, checkpoints and studies; change nothing.

    Ends with exit code 1 when anything is wrong, and names it with its cure.
    """
    found = examine(open_registry(STATE, WAIT_SECONDS), project.name, Path())
    found += [Finding(what, cure) for what, cure in damaged(STATE)]
    if found:
        listed = "\n".join(f"  {finding.what}\n    cure: {finding.cure}" for finding in found)
        one = len(found) == 1
        count = "1 thing is not as it" if one else f"{len(found)} things are not as they"
        raise TouchstoneError(f"{count} must be\n{listed}")
    return (
        "the ledger, the champion, all bundles, the verdict and its report fit together; "
        "every checkpoint and study can be gone on from"
    )
