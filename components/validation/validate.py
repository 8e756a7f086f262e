"""In: raw examples. Out: those that can be used, the rejected ones with reasons, and a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from components.files import atomic_folder, write_json
from components.params import ValidationParams
from components.records import Example, read_card, read_split, write_card, write_split
from components.schema import REASON, SOURCE_ROW, SPLIT, SPLITS, Split, example_schema
from components.tasks.base import Task, said
from components.validation.findings import broken_rules
from components.validation.pages import make_offline, write_start
from components.validation.rejection import REASONS, Sifted, sift
from components.validation.rules import frames, rules
from components.validation.suite import Outcome, check

REJECTS: Final = "rejects.parquet"
RESULT: Final = "result.json"
CARRIED: Final = ("licence", "source", "source_sha256")
EXAMPLES_PER_REASON: Final = 5
EXAMPLE_CHARACTERS: Final = 160


def validate(
    task: Task,
    params: ValidationParams,
    slices: Sequence[str],
    raw: Path,
    out: Path,
    report: Path,
) -> dict[str, Any]:
    """Reject unusable rows, check the rest against every hard rule, and write both with a report.

    Args:
        task: says which columns and labels there must be.
        params: the thresholds.
        slices: the user's slice columns.
        raw: the folder that `ingest` made.
        out: the folder for the accepted rows and `rejects.parquet`; written only if all rules hold.
        report: the folder for Data Docs and `result.json`; written in any case.

    Returns:
        The card of `out`.

    Raises:
        DataError: a rule is broken; names all that are, with their figures.
    """
    tables = {split: read_split(raw, split) for split in SPLITS}
    sifted = _sift(task, params, slices, tables)
    made = frames(task, tables["train"].column_names, sifted)
    with atomic_folder(report) as folder:
        outcomes = check(rules(task, params, slices), made, folder)
        result = {"data": read_card(raw)["data"], **_result(outcomes, sifted)}
        make_offline(folder)
        write_start(folder, result, _examples(task, sifted))
        write_json(folder / RESULT, result)
    broken = [one for one in outcomes if not one.success]
    if broken:
        raise broken_rules(task, broken, made, sifted.rejected, report)
    return _write(sifted, tables["train"].schema, raw, out)


def _sift(
    task: Task, params: ValidationParams, slices: Sequence[str], tables: Mapping[Split, pa.Table]
) -> Sifted:
    """Reject rows; where a column is absent all rows stay, since the rules will tell."""
    rows: dict[Split, list[Example]] = {s: table.to_pylist() for s, table in tables.items()}
    needed = set(example_schema(task.columns, slices).names)
    if all(needed <= set(table.column_names) for table in tables.values()):
        return sift(task, params, rows)
    return Sifted(rows, [])


def _result(outcomes: Sequence[Outcome], sifted: Sifted) -> dict[str, Any]:
    """Return result.json: counts, reasons, and every rule with figure and threshold."""
    counts = Counter(reason for _, reason in sifted.rejected)
    splits = {split: len(sifted.accepted[split]) for split in SPLITS}
    return {
        "success": all(one.success for one in outcomes),
        "rows": sum(splits.values()) + len(sifted.rejected),
        "accepted": sum(splits.values()),
        "rejected": len(sifted.rejected),
        "splits": splits,
        "reasons": {reason: counts[reason] for reason in REASONS if counts[reason]},
        "rules": [one.as_json() for one in outcomes],
    }


def _examples(task: Task, sifted: Sifted) -> list[dict[str, Any]]:
    """Return a few rejected rows of each reason, their texts shortened."""
    shown: list[dict[str, Any]] = []
    for reason in REASONS:
        rows = [row for row, why in sifted.rejected if why == reason][:EXAMPLES_PER_REASON]
        shown += [
            {
                "reason": reason,
                "split": row[SPLIT],
                "source_row": row[SOURCE_ROW],
                "text": said(task, row)[:EXAMPLE_CHARACTERS],
            }
            for row in rows
        ]
    return shown


def _write(sifted: Sifted, schema: pa.Schema, raw: Path, out: Path) -> dict[str, Any]:
    """Write the accepted rows, the rejected ones and the card."""
    result = _result([], sifted)
    card = read_card(raw)
    with atomic_folder(out) as folder:
        for split in SPLITS:
            rows = pa.Table.from_pylist(list(sifted.accepted[split]), schema=schema)
            write_split(folder, split, rows)
        rejects = [{**row, REASON: reason} for row, reason in sifted.rejected]
        table = pa.Table.from_pylist(rejects, schema=schema.append(pa.field(REASON, pa.string())))
        pq.write_table(table, folder / REJECTS, compression="zstd")
        facts = {name: result[name] for name in ("rows", "accepted", "rejected", "splits")}
        carried = {name: card[name] for name in CARRIED if name in card}
        write_card(folder, data=card["data"], **facts, reasons=result["reasons"], **carried)
        return read_card(folder)
