"""In: a source as params.yaml names it. Out: train, validation and test as Parquet, and their card.

A row's id and split follow from what it says, never from where it stands.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.addresses import identity
from components.errors import DataError, ParamsError
from components.files import atomic_folder, sha256_json
from components.ingestion.decoding import Record
from components.ingestion.known import Known
from components.ingestion.source import open_source, wanted_columns
from components.ingestion.together import together
from components.ingestion.writer import SplitWriter
from components.params import IngestionParams, ProjectParams
from components.params.sections import PersonalParams
from components.personal import masked, personal
from components.records import read_card, write_card
from components.schema import GROUP, ID, SOURCE_ROW, SPLIT, SPLITS, Split, slice_column
from components.scratch import scratch_database
from components.seeding import unit_interval
from components.tasks.base import Example, Task, said

ID_CHARACTERS = 24


def ingest(
    project: ProjectParams, task: Task, params: IngestionParams, source: Path, out: Path
) -> dict[str, Any]:
    """Read the source, cut the splits, and write one Parquet file per split and `card.json`.

    Args:
        project: its seed moves groups between splits.
        task: says which columns an example must have.
        params: where the rows come from, and which columns hold what.
        source: the folder in which the files of `params` lie.
        out: the folder that appears when all is written.

    Returns:
        The card: digests, licence, and counts per split and label.

    Raises:
        DataError: the source is absent, empty or malformed, or a split has no row.
        Away: what holds the source does not answer.
        ParamsError: `ingestion.columns.fields` does not name the task's columns.
    """
    _check_fields(task, params)
    with atomic_folder(out) as folder:
        with contextlib.ExitStack() as stack:
            known = Known(stack.enter_context(scratch_database(folder)))
            writers = {
                split: stack.enter_context(SplitWriter(folder, split, task, params.columns.slices))
                for split in SPLITS
            }
            digests: dict[str, str | None] = {}
            for name, split in _origins(params):
                with open_source(params, source, name, wanted_columns(params)) as opened:
                    records = _numbered(known, identity(name), opened.records)
                    for examples in _examples(project, task, params, split, records):
                        known.add_groups((one[SPLIT], one[GROUP]) for one in examples)
                        for example in examples:
                            writers[example[SPLIT]].write(example)
                    digests[name] = opened.digest()
            groups = known.groups()
        counts = {split: writer.counts(groups[split]) for split, writer in writers.items()}
        _check_splits(params, counts)
        write_card(
            folder,
            rows=sum(facts["rows"] for facts in counts.values()),
            splits=counts,
            licence=params.licence,
            source=params.source,
            source_sha256=digests,
        )
        card = read_card(folder)
    return card


def _origins(params: IngestionParams) -> list[tuple[str, Split | None]]:
    """Return each source's name with the split it is given for; None where the split is cut."""
    splits: dict[str, Split] = {"validation_source": "validation", "test_source": "test"}
    return [(name, splits.get(field)) for field, name in params.sources.items()]


def _numbered(
    known: Known, source: str, records: Iterator[Record]
) -> Iterator[list[tuple[str, Record]]]:
    """Yield records a batch at a time, each with an id that follows from what it says.

    Copies differ in their number, so that each has an id of its own.
    """
    for batch in together(records):
        contents = [hashlib.sha256(sha256_json([source, dict(each)]).encode()) for each in batch]
        numbers = known.number([content.digest() for content in contents])
        for content, number in zip(contents, numbers, strict=True):
            content.update(str(number).encode())
        ids = [content.hexdigest()[:ID_CHARACTERS] for content in contents]
        yield list(zip(ids, batch, strict=True))


def _examples(
    project: ProjectParams,
    task: Task,
    params: IngestionParams,
    split: Split | None,
    batches: Iterator[list[tuple[str, Record]]],
) -> Iterator[list[dict[str, Any]]]:
    """Turn the records of one source into examples, a batch at a time."""
    columns, rows = params.columns, itertools.count(1)
    for batch in batches:
        examples = []
        for known, record in batch:
            example: dict[str, Any] = {
                field: _meant(task, params, field, record[column])
                for field, column in columns.fields.items()
            }
            group = _group(record, columns.group, task, example)
            cut = split or _cut(project.seed, group, params)
            if params.personal.mask:
                example |= _masked(task, params.personal, example)
                group = _hidden(params.personal, group)
            examples.append(
                {
                    ID: known,
                    GROUP: group,
                    SPLIT: cut,
                    SOURCE_ROW: next(rows),
                    **example,
                    **{slice_column(column): record[column] or None for column in columns.slices},
                }
            )
        yield examples


def _meant(task: Task, params: IngestionParams, field: str, value: str | None) -> str | None:
    """Return what a written value stands for; one that is missing stays so."""
    table = params.columns.values.get(field)
    return value if table is None or value is None else task.renamed(field, value, table)


def _masked(task: Task, params: PersonalParams, example: Example) -> dict[str, str]:
    """Return what a request would hold, without personal data, every place as it was."""
    texts = {name: example[name] for name in task.inputs if example[name]}
    return {name: masked(text, params.phone_region) for name, text in texts.items()}


def _hidden(params: PersonalParams, group: str) -> str:
    """Return a group, or a hash in place of one that tells a person."""
    if not personal(group, params.phone_region):
        return group
    return f"group:{hashlib.sha256(group.encode()).hexdigest()[:ID_CHARACTERS]}"


def _group(record: Record, column: str | None, task: Task, example: Example) -> str:
    """Return what keeps rows together: the group column's value, or else the text itself."""
    if column and (record[column] or "").strip():
        return str(record[column])
    text = said(task, example)
    normalised = " ".join(text.casefold().split())
    return f"text:{hashlib.sha256(normalised.encode()).hexdigest()[:ID_CHARACTERS]}"


def _cut(seed: int, group: str, params: IngestionParams) -> Split:
    place = unit_interval(seed, "split", group)
    if place < params.splits.test:
        return "test"
    return "validation" if place < params.splits.test + params.splits.validation else "train"


def _check_fields(task: Task, params: IngestionParams) -> None:
    needed, given = set(task.columns), set(params.columns.fields)
    for name in sorted(needed - given):
        raise ParamsError(
            f"ingestion.columns.fields.{name}: missing; the task {task.options.kind} needs it",
            f"write `{name}: <column of the source>`",
        )
    for name in sorted(given - needed):
        raise ParamsError(
            f"ingestion.columns.fields.{name}: the task {task.options.kind} has no such field",
            f"name only: {', '.join(task.columns)}",
        )


def _check_splits(params: IngestionParams, counts: Mapping[Split, Mapping[str, Any]]) -> None:
    empty = [split for split, facts in counts.items() if not facts["rows"]]
    if not empty:
        return
    sizes = ", ".join(f"{split} {facts['rows']}" for split, facts in counts.items())
    raise DataError(
        f"{params.source}: no row for {' and '.join(empty)} (rows: {sizes})",
        "give more rows or more groups, or change ingestion.splits",
    )
