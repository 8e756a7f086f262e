"""In: a process that the kernel refuses memory. Out: the same training, in smaller parts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PROGRAM = """
import json, resource, sys
from pathlib import Path
import numpy as np
import torch
torch.set_num_threads(1)
from components.params import TrainingParams
from components.tasks import load_task
from components.tasks.classification import Options
from components.training import Watch, fit
from components.training.run import Run

folder, encoder, values = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
params = TrainingParams.model_validate_json(values)
labels = ("track", "refund", "login")
task = load_task(Options(kind="classification", labels=labels, out_of_scope=None))
notes, begun = [], []
real = Run.step
def pages(name):
    line = next(each for each in open("/proc/self/status") if each.startswith(name))
    return int(line.split()[1]) << 10
def train(limit):
    begun.clear()
    def limited(run, *rest):
        if not begun:
            begun.append(pages("VmSize"))
            resource.setrlimit(resource.RLIMIT_AS, (begun[0] + limit, resource.RLIM_INFINITY))
        return real(run, *rest)
    Run.step = limited
    fitted = fit(task, params, encoder, folder, 7, Watch(on_note=notes.append))
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return fitted
free = train(1 << 40)
tight = train((pages("VmPeak") - begun[0]) // 2)
weights = [torch.cat([v.flatten() for v in f.model.state_dict().values()]) for f in (free, tight)]
print(json.dumps({
    "notes": notes, "accumulation": tight.accumulation,
    "difference": float((weights[0] - weights[1]).abs().max()),
    "score": [free.score, tight.score],
}))
"""


def test_memory_that_really_ran_out_on_the_cpu_costs_time_and_no_step(
    root: Path, tmp_path: Path, tiny_encoder: Path, tokens: Path, section: Callable[..., Any]
) -> None:
    """The kernel refuses memory: an address space of half of what the whole batch takes."""
    for path in tokens.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    # Large enough that half of it, 0.2 GiB, holds what does not shrink with a batch: oneDNN's
    # machine code of each shape, a few MiB here, and more where a CPU has wider instructions.
    rows, length = 8000, 24
    for split, count in {"train": rows, "validation": 30}.items():
        ids = np.random.default_rng(0).integers(5, 60, (count, length)).astype(np.int32)
        np.save(tmp_path / f"{split}.input_ids.npy", ids.ravel())
        np.save(tmp_path / f"{split}.offsets.npy", np.arange(count + 1, dtype=np.int64) * length)
        np.save(tmp_path / f"{split}.targets.npy", ids[:, 1].astype(np.int64) % 3)
    params = section(epochs=2, batch_size=rows, dropout=0.0).model_dump_json()
    command = [sys.executable, "-c", PROGRAM, tmp_path, tiny_encoder, params]
    done = subprocess.run(
        [str(part) for part in command],
        cwd=root,
        # What is freed is given back, so that both trainings begin with the same.
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": str(1 << 20)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["accumulation"] > 1
    assert all("ran out of memory" in note for note in found["notes"])
    assert found["difference"] < 2e-2
