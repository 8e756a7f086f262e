from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from components.errors import Interrupted, ParamsError
from components.params import TrainingParams
from components.tasks.base import IGNORED, Task
from components.tokens import array_path, open_split
from components.training import Checkpoints, Watch, contrastive, fit
from components.training.contrastive import (
    contrast,
    contrastive_loss,
    pair_batches,
    vectors_of,
)
from components.training.device import accelerated, repeatable
from components.training.interrupt import Asked
from components.training.run import Run, start
from tests.components.training.test_fit import digest

Section = Callable[..., TrainingParams]
TARGETS = np.array([0] * 7 + [1] * 4 + [2] + [IGNORED] * 2)


def test_every_row_comes_with_another_of_its_label() -> None:
    for seed in range(20):
        batches = pair_batches(TARGETS, 6, np.random.default_rng(seed))
        seen = np.concatenate(batches)
        assert set(seen.tolist()) == set(range(12))
        # One more for the seventh of the first label, one for the only row of the last.
        assert len(seen) == 14
        for batch in batches:
            assert len(batch) <= 6
            counts = np.bincount(TARGETS[batch])
            assert ((counts == 0) | (counts >= 2)).all()


def test_epochs_pair_differently_and_repeat() -> None:
    one, two, again = (
        [b.tolist() for b in pair_batches(TARGETS, 6, np.random.default_rng(seed))]
        for seed in (1, 2, 1)
    )
    assert one == again
    assert one != two


def test_loss_is_equation_2() -> None:
    random = torch.Generator().manual_seed(0)
    vectors, t = torch.randn(7, 5, generator=random), 0.3
    targets = torch.tensor([0, 0, 1, 1, 1, 2, 2])
    unit = vectors / vectors.norm(dim=1, keepdim=True)
    expected = []
    for i in range(7):
        others = [a for a in range(7) if a != i]
        whole = sum(math.exp(float(unit[i] @ unit[a]) / t) for a in others)
        same = [p for p in others if targets[p] == targets[i]]
        logs = [math.log(math.exp(float(unit[i] @ unit[p]) / t) / whole) for p in same]
        expected.append(-sum(logs) / len(same))
    found = contrastive_loss(vectors, targets, t)
    assert float(found) == pytest.approx(sum(expected) / 7, rel=1e-5)


def test_loss_has_finite_gradients_where_rows_are_equal() -> None:
    vectors = torch.ones(4, 3, requires_grad=True)
    contrastive_loss(vectors, torch.tensor([0, 0, 1, 1]), 0.1).backward()  # type: ignore[no-untyped-call]
    assert vectors.grad is not None
    assert vectors.grad.isfinite().all()


def margin(run: Run) -> float:
    """Mean cosine of validation rows of one label, less that of different ones."""
    split = run.validation.tokens
    rows = np.arange(len(split))
    run.plain.eval()
    with torch.inference_mode():
        shown = Run(**{**vars(run), "train": run.validation})
        unit = torch.nn.functional.normalize(vectors_of(shown, rows), dim=1)
    run.plain.train()
    same = torch.from_numpy(split.targets[:, None] == split.targets[None, :])
    near = unit @ unit.T
    off = ~torch.eye(len(rows), dtype=torch.bool)
    return float(near[same & off].mean() - near[~same].mean())


def test_texts_of_one_label_come_near_one_another_on_unseen_rows(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    params = section(contrastive_epochs=8)
    with repeatable(7), accelerated("fp32") as accelerator:
        run = start(task, params, tiny_encoder, tokens, accelerator)
        before = margin(run)
        notes: list[str] = []
        contrast(run, 7, Asked(), notes.append)
        after = margin(run)
    assert before < 0.1
    assert after > before + 0.4
    assert notes[0].startswith("contrastive phase: loss ")


def test_head_and_frozen_weights_stay_as_they_are(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    with repeatable(7), accelerated("fp32") as accelerator:
        run = start(
            task,
            section(contrastive_epochs=1, frozen_layers=1),
            tiny_encoder,
            tokens,
            accelerator,
        )
        before = {name: w.detach().clone() for name, w in run.plain.named_parameters()}
        contrast(run, 7, Asked(), lambda _: None)
        moved = {n for n, w in run.plain.named_parameters() if not torch.equal(before[n], w)}
    assert any("layer.1." in name for name in moved)
    assert not any("classifier" in name or "layer.0." in name for name in moved)


def test_off_means_off(
    task: Task,
    section: Section,
    tiny_encoder: Path,
    tokens: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = fit(task, section(), tiny_encoder, tokens, 7)
    first = fit(task, section(contrastive_epochs=1), tiny_encoder, tokens, 7)
    assert digest(first) != digest(plain)
    monkeypatch.setattr("components.training.loop.contrast", lambda *_: None)
    assert digest(fit(task, section(), tiny_encoder, tokens, 7)) == digest(plain)


def test_cut_short_in_the_phase_or_after_it_the_weights_are_the_same(
    task: Task,
    section: Section,
    tiny_encoder: Path,
    tokens: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    params = section(contrastive_epochs=1)
    whole = fit(task, params, tiny_encoder, tokens, 7)
    saved, real, calls = Checkpoints(tmp_path / "c", 0.0, "e" * 64), contrastive._backward, []

    def stop(run: Run, rows: np.ndarray) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(run, rows)

    monkeypatch.setattr(contrastive, "_backward", stop)
    with pytest.raises(Interrupted, match="contrastive phase"):
        fit(task, params, tiny_encoder, tokens, 7, checkpoints=saved)
    phase, told = len(calls), list[str]()

    class Enough(Exception):  # noqa: N818
        pass

    def enough(_: object) -> None:
        raise Enough

    with pytest.raises(Enough):
        fit(task, params, tiny_encoder, tokens, 7, Watch(on_epoch=enough), saved)
    assert len(calls) > phase + 3
    phase = len(calls)
    resumed = fit(task, params, tiny_encoder, tokens, 7, Watch(on_note=told.append), saved)
    assert len(calls) == phase, "the phase is over once there is a checkpoint"
    assert "goes on after" in told[0]
    assert digest(resumed) == digest(whole)


def test_task_without_one_label_per_row_is_refused(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, tmp_path: Path
) -> None:
    for path in tokens.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    rows = len(open_split(tokens, "train"))
    np.save(array_path(tmp_path, "train", "targets"), np.zeros(rows, np.int64))
    with pytest.raises(ParamsError, match="contrastive_epochs: must be 0"):
        fit(task, section(contrastive_epochs=1), tiny_encoder, tmp_path, 7)
