"""In: a version or a digest. Out: on the terminal, what it came from, and what came of it."""

from __future__ import annotations

from components.params import ProjectParams
from components.registry import open_registry, trace
from flows.stage import STATE, WAIT_SECONDS
from flows.terminal import columns


def lineage(project: ProjectParams, of: str) -> str:
    """Print the way to a model and from it: data, code, study, run, version, verdict, production.

    Names a version by its number, or by six characters or more from the start of a lineage id, a
    digest (bundle, data, code, report), a commit or a run; all versions it had a part in are shown.
    """
    found = trace(open_registry(STATE, WAIT_SECONDS), project.name, of)
    for version in found:
        print(f"\n{version.title}\n\nmade of")
        print(columns([], [["", *row] for row in version.origin]))
        if version.outcome:
            print("\nwhat came of it\n" + columns([], [["", *row] for row in version.outcome]))
    print()
    return f"{len(found)} version{'s' if len(found) > 1 else ''} of {project.name}"
