"""In: raw examples. Out: those that can be used, the rejected ones with reasons, and a report.

The rows are read three times, batch by batch: to compare them, to check the accepted ones, and to
write them. What must be known across rows lies in a database that goes when the stage is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from components.files import atomic_folder, write_json
from components.params import ValidationParams
from components.records import REJECTS, RowFile, read_card, split_path, split_schema, write_card
from components.schema import REASON
from components.scratch import NAME, scratch_database
from components.tasks.base import Task
from components.validation.accepted import TABLE
from components.validation.findings import broken_rules
from components.validation.own import SUITE, own_rules, write_suite
from components.validation.pages import make_offline, write_start
from components.validation.rejection import PRIORITY
from components.validation.rules import ROWS, Rule, columns, frames, rules
from components.validation.sieve import Sieve
from components.validation.sift import Sifted, batches, kept, sift
from components.validation.suite import Frame, Outcome, Table, check

RESULT: Final = "result.json"
CARRIED: Final = ("licence", "source", "source_sha256")


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
        params: the thresholds, and the file of the user's own rules.
        slices: the user's slice columns.
        raw: the folder that `ingest` made.
        out: the folder for the accepted rows and `rejects.parquet`; written only if all rules hold.
        report: the folder for Data Docs, `result.json`, and all rules as `suite.yaml`; written in
            any case.

    Returns:
        The card of `out`.

    Raises:
        DataError: a rule is broken; names all that are, with their figures.
        ParamsError: a rule of the user's cannot be asked; names all that is wrong with them.
    """
    card, always = read_card(raw), rules(task, params, slices)
    asked = [*always, *own_rules(Path(params.suite), columns(task, slices), always)]
    with atomic_folder(out) as folder:
        with scratch_database(folder) as database:
            sifted = sift(task, params, slices, raw, database)
            made = frames(task, sifted.accepted, sifted.sieve)
            tables: dict[str, Frame] = {ROWS: Table(folder / NAME, TABLE), **made}
            outcomes = _check(asked, tables, report, sifted, card["data"])
            if broken := [one for one in outcomes if not one.success]:
                raise broken_rules(broken, made, sifted.rejected, report)
            _write(sifted.sieve, raw, folder)
        carried = {name: card[name] for name in CARRIED if name in card}
        write_card(folder, data=card["data"], **sifted.counts(), **carried)
        made_card = read_card(folder)
    return made_card


def _check(
    asked: Sequence[Rule], tables: Mapping[str, Frame], report: Path, sifted: Sifted, data: str
) -> list[Outcome]:
    """Check the rules and write the report."""
    with atomic_folder(report) as folder:
        outcomes = check(asked, tables, folder)
        success = all(one.success for one in outcomes)
        found = [one.as_json() for one in outcomes]
        result = {"data": data, "success": success, **sifted.counts(), "rules": found}
        make_offline(folder)
        write_start(folder, result, sifted.rejected.examples)
        write_suite(folder / SUITE, asked)
        write_json(folder / RESULT, result)
    return outcomes


def _write(sieve: Sieve, raw: Path, folder: Path) -> None:
    """Write the accepted rows and the rejected ones."""
    schema, field = split_schema(raw, "train"), pa.field(REASON, pa.string())
    with RowFile(folder / REJECTS, schema.append(field)) as rejects:
        for split in PRIORITY:
            with RowFile(split_path(folder, split), schema) as file:
                for batch, reasons in batches(sieve, raw, split):
                    file.write(kept(batch, reasons))
                    taken = batch.take(pa.array(list(reasons), pa.int64()))
                    why = pa.array(list(reasons.values()), pa.string())
                    rejects.write(taken.append_column(field, why))
