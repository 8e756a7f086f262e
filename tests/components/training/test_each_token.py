"""In: rows whose tokens have targets, few or many. Out: the laws of learning from each token."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from components.params import TrainingParams
from components.tasks import load_task
from components.tasks.base import IGNORED, Task
from components.tasks.ner import Options
from components.tokens import array_path
from components.training import fit
from tests.components.training.ways import BATCH, close, gradients, running

Section = Callable[..., TrainingParams]
FIRST_WORD = 5


@pytest.fixture(scope="module")
def ner() -> Task:
    return load_task(Options(kind="ner", labels=("x",), window_overlap=0, mark_capitals=False))


@pytest.fixture(scope="module")
def labelled(tokens: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy tokens, of which some rows have many targets and some few; each token tells its."""
    folder = Path(shutil.copytree(tokens, tmp_path_factory.mktemp("ner") / "tokens"))
    rng = np.random.default_rng(1)
    for split in ("train", "validation"):
        ids = np.load(array_path(folder, split, "input_ids"))  # type: ignore[arg-type]
        offsets = np.load(array_path(folder, split, "offsets"))  # type: ignore[arg-type]
        targets = (ids.astype(np.int64) - FIRST_WORD) % 3
        shares = np.repeat(rng.random(len(offsets) - 1), np.diff(offsets))
        targets[rng.random(len(ids)) > shares] = IGNORED
        targets[ids < FIRST_WORD] = IGNORED
        np.save(array_path(folder, split, "targets"), targets)  # type: ignore[arg-type]
    return folder


@pytest.mark.parametrize("parts", [2, 4, 16])
def test_accumulation_is_exact(
    ner: Task, section: Section, tiny_encoder: Path, labelled: Path, parts: int
) -> None:
    """Parts of a step have unlike numbers of targets: a mean of their means would not do."""
    with running(ner, section(dropout=0.0), tiny_encoder, labelled) as run:
        counts = [run.train.weight(rows) for rows in np.array_split(BATCH, parts)]
        assert len(set(counts)) > 1
        close(gradients(run, 1), gradients(run, parts))


def test_the_loss_is_the_mean_over_labelled_tokens(
    ner: Task, section: Section, tiny_encoder: Path, labelled: Path
) -> None:
    with running(ner, section(dropout=0.0), tiny_encoder, labelled) as run:
        told = run.backward(BATCH, 4).item() / run.train.weight(BATCH)
        with torch.no_grad():
            logits = run.plain(**run.train.inputs(BATCH)).logits
        targets = run.train.targets(BATCH)
        mean = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    assert told == pytest.approx(mean.item(), rel=1e-5)


def test_a_tiny_model_learns_what_each_token_is(
    ner: Task, section: Section, tiny_encoder: Path, labelled: Path
) -> None:
    fitted = fit(ner, section(epochs=8), tiny_encoder, labelled, 7)
    assert fitted.history[-1].loss < fitted.history[0].loss
    assert fitted.score > 0.5
