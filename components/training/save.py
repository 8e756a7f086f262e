"""In: a fitted model. Out: the trained bundle on disk, and the digest that names it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from components.files import atomic_folder, write_json
from components.inference.bundle import FORMAT, HISTORY, TOKENIZER, BundleCard, seal
from components.tasks.base import Task
from components.tokens import read_token_card
from components.training.fitted import Fitted
from components.training.model import silent


def save(
    fitted: Fitted,
    task: Task,
    tokens: Path,
    lineage: Mapping[str, str],
    out: Path,
    facts: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """Write the bundle, whole or not at all.

    Nothing that differs between two equal runs is written, neither time nor speed, so that equal
    weights have equal digests.

    Args:
        fitted: what `fit` returned.
        task: whose options the bundle carries.
        tokens: the folder it was fitted on; its tokenizer goes along.
        lineage: the lineage id and what it is made of.
        out: the bundle's folder, replaced.
        facts: what else shall stand in the history, as JSON.

    Returns:
        The digest of the bundle.
    """
    card = read_token_card(tokens)
    with atomic_folder(out) as folder:
        with silent():
            fitted.model.save_pretrained(folder)  # type: ignore[operator]
        shutil.copyfile(tokens / TOKENIZER, folder / TOKENIZER)
        write_json(folder / HISTORY, {**_history(fitted), **facts})
        return seal(
            folder,
            BundleCard(
                format=FORMAT,
                artifact="trained",
                task=task.options.stored(),
                max_length=card["max_length"],
                pad_id=card["pad_id"],
                lineage=dict(lineage),
            ),
        )


def _history(fitted: Fitted) -> dict[str, Any]:
    return {
        "score": fitted.score,
        "best_epoch": fitted.best_epoch,
        "seed": fitted.seed,
        "device": fitted.device,
        "accumulation": fitted.accumulation,
        "params": fitted.params.shaping(),
        "history": [
            {"epoch": epoch.number, "loss": epoch.loss, **epoch.metrics} for epoch in fitted.history
        ],
    }
