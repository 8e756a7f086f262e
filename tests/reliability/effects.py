"""In: a folder. Out: every step that changes the world, killed once and then repeated, as JSON.

    python -m tests.reliability.effects FOLDER

For each step and each of its failpoints: a process that dies there, then three that do the same
with the same inputs; and what stands in the registry and the ledger afterwards.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from components.params import RegistryParams
from components.registry import (
    Registry,
    champion,
    open_ledger,
    open_registry,
    promote,
    register,
    rollback,
)
from tests.candidates import add_model, add_version, make_model, record, set_failpoint, verdict_on
from tests.components.conftest import _make_bundle, _make_data, _make_reports
from tests.components.registry.conftest import Factory
from tests.reliability.promoter import in_child, ready_to_fork

STEPS: Final = {
    "register": ("register.uploaded", "register.version", "register.challenger"),
    "record_decision": ("ledger.appended",),
    "promote": ("ledger.appended", "move.intent", "move.alias", "move.done"),
    "rollback": ("ledger.appended", "move.intent", "move.alias", "move.done"),
}
REPEATS: Final = 3
OWNER: Final = RegistryParams(owner="the team", intended_use="Routing requests.")


@dataclass(frozen=True)
class Bench:
    """A registry, two bundles, and a submission for it."""

    registry: Registry
    folder: Path
    models: tuple[Path, Path]
    submit: Factory

    def prepare(self, step: str, name: str) -> Callable[[], object]:
        """Make a model that is ready for a step; return the step."""
        if step == "register":
            submission = self.submit(name)
            return lambda: register(self.registry, name, OWNER, submission, self.folder / name)
        add_model(self.registry, name)
        first, second = (add_version(self.registry, name, model) for model in self.models)
        if step != "record_decision":
            promote(self.registry, record(self.registry, verdict_on(self.registry, name, first)))
        verdict = verdict_on(self.registry, name, second)
        if step == "record_decision":
            return lambda: record(self.registry, verdict)
        verdict = record(self.registry, verdict)
        if step == "promote":
            return lambda: promote(self.registry, verdict)
        promote(self.registry, verdict)
        return lambda: rollback(self.registry, name, None)

    def counts(self, name: str) -> dict[str, Any]:
        """Count what a step may have made twice."""
        client, now = self.registry.client, champion(self.registry, name)
        found = client.get_experiment_by_name(name)
        where = [found.experiment_id] if found else []
        verbs = [entry.verb for entry in open_ledger(self.registry).read(name)]
        return {
            "runs": len(client.search_runs(where)) if where else 0,
            "models": len(client.search_logged_models(where)) if where else 0,
            "versions": len(client.search_model_versions(f"name = '{name}'")),
            "champion": now.version if now else None,
            **{verb: verbs.count(verb) for verb in ("decision", "intent", "done", "abandoned")},
        }


def main(folder: Path) -> Iterator[dict[str, Any]]:
    """Kill and repeat every step at every of its failpoints."""
    ready_to_fork()
    submit = Factory(
        folder / "submissions", _make_data(folder / "data"), _make_bundle, _make_reports
    )
    registry = open_registry(folder / ".state", 0)
    models = (make_model(folder / "m1", "effects-1"), make_model(folder / "m2", "effects-2"))
    bench = Bench(registry, folder, models, submit)
    for step, names in STEPS.items():
        for failpoint in names:
            name = f"{step}-{failpoint}".replace(".", "-").replace("_", "-")
            work = bench.prepare(step, name)
            codes = [_run(work, failpoint)] + [_run(work, None) for _ in range(REPEATS)]
            yield {"step": step, "failpoint": failpoint, "codes": codes, **bench.counts(name)}
    yield {"problems": open_ledger(registry).verify()}


def _run(work: Callable[[], object], failpoint: str | None) -> int:
    def armed() -> None:
        set_failpoint(failpoint)
        work()

    return os.waitstatus_to_exitcode(os.waitpid(in_child(armed), 0)[1])


if __name__ == "__main__":
    sys.stdout.write(json.dumps(list(main(Path(sys.argv[1])))))
