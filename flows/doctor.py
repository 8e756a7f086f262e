"""In: ledger, registry and working folder. Out: that they fit together, or what does not, cured."""

from __future__ import annotations

from pathlib import Path

from components.errors import TouchstoneError
from components.params import ProjectParams
from components.registry import examine, open_registry
from flows.stage import STATE, WAIT_SECONDS


def doctor(project: ProjectParams) -> str:
    """Check the ledger, the champion, every bundle, the verdict and its pages; change nothing.

    Ends with exit code 1 when anything is wrong, and names it with its cure.
    """
    found = examine(open_registry(STATE, WAIT_SECONDS), project.name, Path())
    if found:
        listed = "\n".join(f"  {finding.what}\n    cure: {finding.cure}" for finding in found)
        one = len(found) == 1
        count = "1 thing is not as it" if one else f"{len(found)} things are not as they"
        raise TouchstoneError(f"{count} must be\n{listed}")
    return "the ledger, the champion, all bundles, the verdict and its report fit together"
