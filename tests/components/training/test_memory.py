"""In: a training that runs out of memory somewhere. Out: the same training, in smaller parts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator

from components.errors import CapacityError
from components.params import TrainingParams
from components.tasks.base import Task
from components.training import Checkpoints, Fitted, Step, Watch, fit, loop
from components.training.feed import Feed
from components.training.memory import out_of_memory
from components.training.parts import Moments
from components.training.run import Run
from tests.components.training.test_fit import digest

# What a GPU's allocator raises, the CPU's, and Python's.
ERRORS = {
    "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    "cpu": RuntimeError(
        "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 1099511627776 bytes. Error code 12 (Cannot allocate memory)"
    ),
    "python": MemoryError(),
}
# The step that runs out, 6 of which make an epoch.
AT = 4


class Toy:
    """Trains two epochs, and keeps what it was told."""

    def __init__(self, task: Task, params: TrainingParams, encoder: Path, tokens: Path) -> None:
        self.rest = (task, params, encoder, tokens, 7)
        self.notes: list[str] = []
        self.steps: list[Step] = []

    def train(self, checkpoints: Checkpoints | None = None) -> Fitted:
        watch = Watch(on_step=self.steps.append, on_note=self.notes.append)
        return fit(*self.rest, watch, checkpoints)


@pytest.fixture
def toy(
    task: Task, section: Callable[..., TrainingParams], tiny_encoder: Path, tokens: Path
) -> Callable[..., Toy]:
    def make(**values: Any) -> Toy:
        return Toy(task, section(**values), tiny_encoder, tokens)

    return make


def once(at: int, error: BaseException) -> Callable[[], None]:
    """Raise at the call number `at`, and never again."""
    calls = iter(range(1, 1_000_000))

    def call() -> None:
        if next(calls) == at:
            raise error

    return call


def into(where: str, patch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let one step run out of memory in this place."""
    fails = once(AT, error)
    owner, name = {
        "batch": (Feed, "inputs"),
        "forward": (torch.nn.Module, "__call__"),
        "backward": (Accelerator, "backward"),
        "optimizer": (torch.optim.AdamW, "step"),
    }[where]
    real = getattr(owner, name)

    def failing(self: Any, *rest: Any, **named: Any) -> Any:
        if where != "forward" or hasattr(self, "classifier"):
            fails()
        return real(self, *rest, **named)

    patch.setattr(owner, name, failing)


def smaller_from_the_step_on(patch: pytest.MonkeyPatch) -> None:
    """Train as if it had been known before which step does not fit: what is to come out."""
    real = loop.Loop._step

    def step(self: Any, batch: Any) -> None:
        if self.meter.number == AT - 1:
            self.memory.parts = 2
        real(self, batch)

    patch.setattr(loop.Loop, "_step", step)


@pytest.fixture
def known(toy: Callable[..., Toy]) -> Fitted:
    with pytest.MonkeyPatch.context() as patch:
        smaller_from_the_step_on(patch)
        return toy().train()


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("where", ["batch", "forward", "backward", "optimizer"])
def test_step_that_ran_out_of_memory_is_done_again_in_halves_bit_for_bit(
    toy: Callable[..., Toy],
    known: Fitted,
    where: str,
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dropout draws the same numbers again, no gradient counts twice, no step is lost."""
    whole, again = toy(), toy()
    whole.train()
    into(where, monkeypatch, error)
    fitted = again.train()
    assert digest(fitted) == digest(known)
    assert fitted.accumulation == 2
    assert again.notes == [
        "step 4 ran out of memory; it is done again, and all that follow it, in micro-batches of "
        "8, accumulation 2"
    ]
    rates = [[(s.number, s.steps, s.learning_rate) for s in each.steps] for each in (whole, again)]
    assert rates[0] == rates[1], "the schedule and the number of steps stay"


def test_gradients_of_the_micro_batches_before_the_one_that_ran_out_do_not_count_twice(
    toy: Callable[..., Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With accumulation 2 from the start, the second half of a step runs out."""
    with pytest.MonkeyPatch.context() as patch:
        smaller_from_the_step_on(patch)
        known = toy(accumulation=2).train()
    fails, backward = once(2 * AT, ERRORS["cpu"]), Accelerator.backward

    def failing(self: Any, loss: torch.Tensor, **named: Any) -> None:
        fails()
        backward(self, loss, **named)

    monkeypatch.setattr(Accelerator, "backward", failing)
    again = toy(accumulation=2).train()
    assert digest(again) == digest(known)
    assert again.accumulation == 4


@pytest.mark.parametrize("saved", [True, False])
def test_update_that_was_half_done_is_not_done_on_top_of_itself(
    toy: Callable[..., Toy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saved: bool
) -> None:
    """Memory runs out when some weights have taken the step: back to what was saved last."""
    fails, real = once(AT, ERRORS["cuda"]), torch.optim.AdamW.step
    taken = []

    def half(self: Any, *rest: Any) -> Any:
        taken.append(1)
        try:
            fails()
        except RuntimeError:
            groups, self.param_groups = self.param_groups, self.param_groups[:1]
            real(self, *rest)
            self.param_groups = groups
            raise
        return real(self, *rest)

    monkeypatch.setattr(torch.optim.AdamW, "step", half)
    params = {"dropout": 0.0}
    torn = toy(**params)
    checkpoints = Checkpoints(tmp_path / "checkpoints", 0.0, "e" * 64) if saved else None
    fitted = torn.train(checkpoints)
    # Twelve steps and the one that was torn; without checkpoints, the three before it once more.
    assert len(taken) == 12 + 1 + (0 if saved else 3)
    assert "memory ran out amid an update" in torn.notes[1]
    monkeypatch.undo()
    whole = toy(**params).train().model.state_dict()
    for name, value in fitted.model.state_dict().items():
        torch.testing.assert_close(value, whole[name], atol=2e-3, rtol=0)


def test_scoring_that_ran_out_of_memory_is_done_again_and_scores_alike(
    toy: Callable[..., Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = toy().train()
    fails, real = once(1, ERRORS["cuda"]), Feed.inputs
    most = []

    def failing(self: Any, rows: Any) -> Any:
        if not torch.is_grad_enabled():
            fails()
            most.append(len(rows))
        return real(self, rows)

    monkeypatch.setattr(Feed, "inputs", failing)
    again = toy()
    fitted = again.train()
    assert [e.score for e in fitted.history] == [e.score for e in whole.history]
    assert digest(fitted) == digest(whole)
    assert again.notes == ["scoring ran out of memory; it is done again in batches of 32"]
    assert max(most) <= 32


@pytest.mark.parametrize("times", [1, 2])
def test_save_that_ran_out_of_memory_is_tried_again_and_never_ends_training(
    toy: Callable[..., Toy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    whole = toy().train()
    fails = [once(AT, ERRORS["cpu"]), once(AT, ERRORS["cpu"])][:times]
    real = Moments.state

    def failing(self: Moments) -> Any:
        if fails:
            call = fails[0]
            try:
                call()
            except RuntimeError:
                fails.pop(0)
                # The next try is the next call.
                fails[:] = [once(1, ERRORS["cpu"])] if fails else []
                raise
        return real(self)

    monkeypatch.setattr(Moments, "state", failing)
    again = toy()
    fitted = again.train(Checkpoints(tmp_path / "checkpoints", 0.0, "e" * 64))
    assert digest(fitted) == digest(whole)
    assert len(again.notes) == times - 1
    assert all("could not be saved, and training goes on without it" in n for n in again.notes)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2


def test_disk_that_is_full_does_not_end_a_training_that_could_go_on(
    toy: Callable[..., Toy], tmp_path: Path
) -> None:
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    again = toy()
    fitted = again.train(Checkpoints(tmp_path / "checkpoints", 0.0, "e" * 64))
    assert digest(fitted) == digest(toy().train())
    assert "could not be saved, and training goes on without it" in again.notes[0]
    assert len(again.notes) > 12, "it is tried again each time"


def test_memory_that_does_not_hold_one_example_is_told_as_such(
    toy: Callable[..., Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    halvings = []

    def failing(self: Feed, rows: Any) -> Any:
        halvings.append(len(rows))
        raise ERRORS["cuda"]

    monkeypatch.setattr(Feed, "inputs", failing)
    with pytest.raises(CapacityError, match=r"step 1 must fit into memory.* of 1 example"):
        toy(batch_size=8).train()
    assert halvings == [8, 4, 2, 1]


def test_scoring_that_does_not_hold_one_example_is_told_as_such(
    toy: Callable[..., Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise ERRORS["cuda"]

    monkeypatch.setattr(loop, "score", failing)
    with pytest.raises(CapacityError, match=r"scoring must fit into memory.*1 example"):
        toy(batch_size=8).train()


def test_smaller_parts_outlive_a_kill(
    toy: Callable[..., Toy], known: Fitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    checkpoints = Checkpoints(tmp_path / "checkpoints", 0.0, "e" * 64)
    with pytest.MonkeyPatch.context() as patch:
        into("forward", patch, ERRORS["cpu"])
        real, killed = Run.step, once(AT + 2, Killed())

        def step(self: Run, *rest: Any) -> Any:
            done = real(self, *rest)
            killed()
            return done

        patch.setattr(Run, "step", step)
        with pytest.raises(Killed):
            toy().train(checkpoints)
    again = toy()
    fitted = again.train(checkpoints)
    assert again.notes == ["goes on after step 5 of epoch 1"]
    assert digest(fitted) == digest(known)


def test_other_errors_are_no_lack_of_memory(
    toy: Callable[..., Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not out_of_memory(ValueError("out of memory"))
    into("forward", monkeypatch, RuntimeError("shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        toy().train()


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
    import numpy as np

    for path in tokens.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    rows, length = 2000, 24
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
