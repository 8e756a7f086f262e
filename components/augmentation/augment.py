"""In: data/valid. Out: data/augmented: training rows plus altered copies; held-out rows as is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from components.augmentation.balance import Balance
from components.augmentation.maker import Maker
from components.augmentation.ways import NO_MODELS, Models, ways
from components.files import atomic_folder
from components.near import NearCopies
from components.params import AugmentationParams, ProjectParams
from components.records import (
    Example,
    read_card,
    read_split,
    verify_card,
    write_card,
    write_split,
)
from components.schema import EDIT, ID, PARENT_ID, SPLITS
from components.tasks.base import Task


def augment(
    project: ProjectParams,
    task: Task,
    params: AugmentationParams,
    valid: Path,
    out: Path,
    models: Models = NO_MODELS,
) -> dict[str, Any]:
    """Add altered copies of training rows; labels stay, and each copy names its parent.

    Which rows are altered, and how, depends on the seed, the edit and the row's id alone: not on
    the order of rows, nor on which other edits are on. Some edits draw from all training rows.

    Args:
        project: the seed.
        task: which part of an example may be altered.
        params: the share of rows per edit, and what counts as a near-copy.
        valid: data folder with one Parquet file per split.
        out: appears when all is written.
        models: those that edits ask which are on.

    Returns:
        The card: copies made per edit (`edits`), rows chosen per edit, copies that were not made
        per reason (`dropped`), rows per split; and, where rare labels get more copies, how many
        were made for each (`balanced`).

    Raises:
        ParamsError: the lexicon cannot be used.
        IntegrityError: the examples are not those that their card names.
    """
    data = verify_card(valid)["data"]
    tables = {split: read_split(valid, split) for split in SPLITS}
    train, *held_out = (_texts(task, tables[split]) for split in SPLITS)
    maker = Maker(
        seed=project.seed,
        task=task,
        near=NearCopies(itertools.chain(*held_out), params.near_copy_similarity),
        taken=set(itertools.chain(train, *held_out)),
    )
    # By id, so that of two equal copies the same one is kept whatever the order of rows.
    rows: list[Example] = tables["train"].sort_by(ID).to_pylist()
    copies: list[Example] = []
    known = ways(task, params, rows, models)
    for name, way in known.items():
        copies.extend(maker.copies(name, way, getattr(params.edits, name), rows))
    figures: dict[str, Any] = {}
    if params.balance:
        balance = Balance(maker, known, params.edits.on)
        copies.extend(balance.copies(params.balance, rows, list(copies)))
        figures["balanced"] = dict(sorted(balance.made.items()))
    with atomic_folder(out) as folder:
        for split, table in tables.items():
            write_split(folder, split, _with_copies(table, copies if split == "train" else ()))
        count = {split: len(table) for split, table in tables.items()}
        count["train"] += len(copies)
        write_card(folder, data=data, rows=count, **maker.figures(), **figures)
        return read_card(folder)


def _texts(task: Task, table: pa.Table) -> list[str]:
    return [task.content(row) for row in table.to_pylist()]


def _with_copies(table: pa.Table, copies: Sequence[Example]) -> pa.Table:
    """Append the copies, and the two columns that tell them from the rows as they came."""
    for name in (PARENT_ID, EDIT):
        table = table.append_column(pa.field(name, pa.string()), pa.nulls(len(table), pa.string()))
    added = pa.Table.from_pylist(list(copies), schema=table.schema)
    return pa.concat_tables([table, added]).combine_chunks()
