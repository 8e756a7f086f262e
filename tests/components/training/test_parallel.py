"""In: one training, in one process and in two. Out: the same steps, and so the same weights."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from components.errors import CapacityError, ParamsError
from components.files import read_json
from components.params import TrainingParams
from components.training.parallel import first_process, redo_alone, refuse_shards, share

Section = Callable[..., TrainingParams]
WORKER = Path(__file__).with_name("worker.py")


class Configured:
    """What accelerate says of itself."""

    def __init__(self, kind: str) -> None:
        self.distributed_type = f"DistributedType.{kind}"


@pytest.mark.parametrize("kind", ["FSDP", "DEEPSPEED", "MEGATRON_LM"])
def test_an_encoder_that_no_process_holds_whole_is_refused(kind: str) -> None:
    with pytest.raises(ParamsError, match=f"configured for {kind}, which keeps no whole model"):
        refuse_shards(Configured(kind))  # type: ignore[arg-type]
    for whole in ("NO", "MULTI_CPU", "MULTI_GPU"):
        refuse_shards(Configured(whole))  # type: ignore[arg-type]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def trained(arguments: list[str], processes: int, out: Path, root: Path) -> None:
    """Train as `accelerate launch --cpu` would have it, over gloo when there are several."""
    out.mkdir()
    shared = {
        "PYTHONPATH": str(root),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "ACCELERATE_USE_CPU": "true",
    }
    if processes > 1:
        shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
        shared |= {"WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes)}
    running = []
    for rank in range(processes):
        mine = {"RANK": str(rank), "LOCAL_RANK": str(rank)} if processes > 1 else {}
        running.append(
            subprocess.Popen(
                [sys.executable, WORKER, *arguments, str(out)],
                env={**os.environ, **shared, **mine},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    try:
        said = [process.communicate(timeout=240)[0] for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0] * processes, "\n".join(said)


@pytest.mark.parametrize("step", [(89, 1), (44, 4)])
def test_two_processes_take_the_steps_of_one(
    section: Section,
    tiny_encoder: Path,
    tokens: Path,
    tmp_path: Path,
    root: Path,
    step: tuple[int, int],
) -> None:
    """90 rows in steps of 89: in each epoch one process has no row for the step of one row."""
    rows, accumulation = step
    params = section(dropout=0.0, batch_size=rows, epochs=3, accumulation=accumulation)
    arguments = [str(tiny_encoder), str(tokens), params.model_dump_json()]
    trained(arguments, 1, tmp_path / "one", root)
    trained(arguments, 2, tmp_path / "two", root)
    alone = load_file(tmp_path / "one" / "0.safetensors")
    first, second = (load_file(tmp_path / "two" / f"{rank}.safetensors") for rank in (0, 1))
    for name, value in alone.items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], value, atol=2e-3, rtol=0)
    for rank in (0, 1):
        found = read_json(tmp_path / "two" / f"{rank}.json")
        assert found == pytest.approx(read_json(tmp_path / "one" / "0.json"), rel=1e-3)


def test_shares_make_up_the_batch_and_cost_the_same() -> None:
    lengths = np.sort(np.random.default_rng(0).integers(5, 60, 32))
    batch = np.arange(32)
    shares = [share(batch, index, 4) for index in range(4)]
    assert sorted(np.concatenate(shares)) == list(range(32))

    def unevenness(parts: list[np.ndarray]) -> float:
        costs = [len(rows) * lengths[rows].max() for rows in parts]
        return float(max(costs) / min(costs))

    assert unevenness(np.split(batch, 4)) > 2
    assert unevenness(shares) < 1.2


def test_more_processes_than_rows_leave_some_without() -> None:
    assert [len(share(np.arange(2), index, 3)) for index in range(3)] == [1, 1, 0]


def test_first_process_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    assert first_process()
    for rank, first in (("0", True), ("1", False)):
        monkeypatch.setenv("RANK", rank)
        assert first_process() is first


class Several:
    """As much of an accelerator as tells how many processes there are."""

    num_processes = 2


def test_step_that_ran_out_of_memory_is_not_done_again_by_one_of_several() -> None:
    with pytest.raises(CapacityError, match="each of 2 processes, ran out of it: no memory"):
        redo_alone(Several(), "no memory")  # type: ignore[arg-type]
