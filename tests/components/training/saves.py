"""In: toy tokens. Out: a training that is killed after each file of a save, as JSON.

    python -m tests.components.training.saves FOLDER ENCODER TOKENS PARAMS

All processes are forks of this one, which has imported torch.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import safetensors.torch
import torch

from components.files import verify_manifest
from components.params import TrainingParams
from components.tasks import load_task
from components.tasks.classification import Options
from components.training import Checkpoints, Watch, checkpoint, fit
from tests.candidates import set_failpoint
from tests.components.training.test_fit import digest
from tests.reliability.promoter import in_child
from tests.reliability.warm import import_all, note_modules

# The third save, or where it has no such file none, is killed after each.
FILES: Final = ("model", "optimizer", "draws", "best", "meter", "place", "manifest")
RENAMES: Final = ("written", "renamed")
SAVE: Final = "epoch-00001-step-000000003"


def kill_after(place: str) -> None:
    """Make this process die after that file of the third save, or at that failpoint of it."""
    if place in RENAMES:
        set_failpoint(f"*/{SAVE}@{place}")

    def wrapped(real: Callable[..., Any], name_of: Callable[..., Path]) -> Callable[..., Any]:
        def call(*rest: Any) -> Any:
            result = real(*rest)
            path = name_of(*rest)
            if path.parent.name.startswith(f".{SAVE}") and path.stem == place:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    modules: Any = (safetensors.torch, checkpoint)
    modules[0].save_file = wrapped(safetensors.torch.save_file, lambda _, path: Path(path))
    modules[1].write_json = wrapped(modules[1].write_json, lambda path, _: path)
    modules[1].write_manifest = wrapped(
        modules[1].write_manifest, lambda folder: folder / "manifest.json"
    )


def main(folder: Path, encoder: Path, tokens: Path, values: str) -> Iterator[dict[str, Any]]:
    """Kill in each place, and go on."""
    torch.set_num_threads(1)
    params = TrainingParams.model_validate_json(values)
    task = load_task(
        Options(kind="classification", labels=("track", "refund", "login"), out_of_scope=None)
    )

    def train(name: str, place: str | None) -> tuple[int, dict[str, Any]]:
        told, out = list[str](), folder / f"{name}.json"

        def work() -> None:
            if place:
                kill_after(place)
            kept = Checkpoints(folder / name, 0.0, "e" * 64)
            fitted = fit(task, params, encoder, tokens, 7, Watch(on_note=told.append), kept)
            note_modules(folder / "modules.json")
            out.write_text(json.dumps({"digest": digest(fitted), "notes": told}))

        code = os.waitstatus_to_exitcode(os.waitpid(in_child(work), 0)[1])
        return code, json.loads(out.read_text()) if code == 0 else {}

    _, whole = train("whole", None)
    import_all(folder / "modules.json")
    for place in (*FILES, *RENAMES):
        code, _ = train(place, place)
        found = sorted(path for path in (folder / place).iterdir() if path.name[0] != ".")
        for path in found:
            verify_manifest(path)
        again, ended = train(place, None)
        left = [path.name for path in (folder / place).iterdir() if path.name[0] == "."]
        yield {
            "place": place,
            "codes": [code, again],
            "found": [path.name for path in found],
            "notes": ended["notes"],
            "same": ended["digest"] == whole["digest"],
            "left": left,
        }


if __name__ == "__main__":
    where, source, rows, section = sys.argv[1:]
    found = list(main(Path(where), Path(source), Path(rows), section))
    sys.stdout.write(json.dumps(found))
