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
    Submission,
    Trial,
    attach,
    champion,
    log_training,
    log_trial,
    open_ledger,
    open_registry,
    promote,
    register,
    rollback,
    start_study,
)
from tests.candidates import add_model, add_version, make_model, record, set_failpoint, verdict_on
from tests.components.gate import samples_against
from tests.components.registry.conftest import Factory
from tests.components.toy_bundles import make_bundle
from tests.components.toy_reports import make_data, make_reports
from tests.reliability.promoter import in_child, ready_to_fork

STEPS: Final = {
    "start_study": ("run.created",),
    "log_trial": ("run.created", "run.logged"),
    "log_training": ("run.created", "run.logged"),
    "register": ("register.uploaded", "register.version", "register.challenger"),
    "attach": ("attach.uploaded",),
    "record_decision": ("ledger.appended",),
    "promote": ("ledger.appended", "move.intent", "move.alias", "move.done"),
    "rollback": ("ledger.appended", "move.intent", "move.alias", "move.done"),
}
REPEATS: Final = 3
OWNER: Final = RegistryParams(owner="the team", intended_use="Routing requests.")
TRIAL: Final = Trial(0, {"dropout": 0.1}, {1: 0.5, 2: 0.6, 3: 0.7}, "complete")
HISTORY: Final = [{"epoch": n, "loss": 1 / n, "score": n / 4} for n in (1, 2, 3)]
FILES: Final = ("gate.html", "gate.md", "verdict.json")
Work = Callable[[], object]


@dataclass(frozen=True)
class Bench:
    """A registry, two bundles, and a submission for it.

    Attributes:
        registry: where all is prepared and counted.
        folder: for what is made.
        models: two that a version may serve.
        submit: makes submissions.
        by: the same registry as the steps reach it, when that is another way; else None.
    """

    registry: Registry
    folder: Path
    models: tuple[Path, Path]
    submit: Callable[[str], Submission]
    by: Registry | None = None

    def prepare(self, step: str, name: str) -> Work:
        """Make all that a step needs; return the step."""
        if step in {"start_study", "log_trial", "log_training"}:
            return self._tracked(step, name)
        if step in {"register", "attach"}:
            return self._registered(step, name)
        return self._moved(step, name)

    def _tracked(self, step: str, name: str) -> Work:
        by = self.by or self.registry
        if step == "start_study":
            return lambda: start_study(by, name, "s", {"epochs": 3})
        study = start_study(self.registry, name, "s", {"epochs": 3})
        if step == "log_trial":
            return lambda: log_trial(by, study, TRIAL)
        return lambda: log_training(by, study, f"lineage {name}", {"epochs": 3}, HISTORY)

    def _registered(self, step: str, name: str) -> Work:
        by, submission, out = self.by or self.registry, self.submit(name), self.folder / name
        if step == "register":
            return lambda: register(by, name, OWNER, submission, out)
        receipt = register(self.registry, name, OWNER, submission, out)
        verdict = samples_against.promote()
        verdict["candidate"] |= {"name": name, "version": 1, "digest": receipt["digest"]}
        files = {title: out / title for title in FILES}
        for title, path in files.items():
            path.write_text(title)
        return lambda: attach(by, name, 1, verdict, files)

    def _moved(self, step: str, name: str) -> Work:
        by = self.by or self.registry
        add_model(self.registry, name)
        first, second = (add_version(self.registry, name, model) for model in self.models)
        if step != "record_decision":
            promote(self.registry, record(self.registry, verdict_on(self.registry, name, first)))
        verdict = verdict_on(self.registry, name, second)
        if step == "record_decision":
            return lambda: record(by, verdict)
        verdict = record(self.registry, verdict)
        if step == "promote":
            return lambda: promote(by, verdict)
        promote(self.registry, verdict)
        return lambda: rollback(by, name, None)

    def counts(self, name: str) -> dict[str, Any]:
        """Count what a step may have made twice, or lost."""
        client, now = self.registry.client, champion(self.registry, name)
        found = client.get_experiment_by_name(name)
        where = [found.experiment_id] if found else []
        runs = client.search_runs(where) if where else []
        verbs = [entry.verb for entry in open_ledger(self.registry).read(name)]
        return {
            "runs": len(runs),
            "running": sum(run.info.status == "RUNNING" for run in runs),
            "points": sum(
                len(client.get_metric_history(run.info.run_id, metric))
                for run in runs
                for metric in run.data.metrics
            ),
            "files": sum(_files(client, run.info.run_id) for run in runs),
            "models": len(client.search_logged_models(where)) if where else 0,
            "versions": len(client.search_model_versions(f"name = '{name}'")),
            "champion": now.version if now else None,
            **{verb: verbs.count(verb) for verb in ("decision", "intent", "done", "abandoned")},
        }


def _files(client: Any, run_id: str, folder: str | None = None) -> int:
    listed = client.list_artifacts(run_id, folder)
    return sum(_files(client, run_id, one.path) if one.is_dir else 1 for one in listed)


def main(folder: Path) -> Iterator[dict[str, Any]]:
    """Kill and repeat every step at every of its failpoints."""
    ready_to_fork()
    submit = Factory(folder / "submissions", make_data(folder / "data"), make_bundle, make_reports)
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
