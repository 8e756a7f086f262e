"""In: folders with data that passed `validate`. Out: of faults planted in them, how many are found.

    python -m benchmarks.planted PROJECT [PROJECT ...]

Into copies of data/valid three kinds of faults are planted, each alone:

* labels: one row of twenty gets another label; where labels are entities, one of its entities gets
  another type, or is left out. The survey is asked for suspects, as the stage asks it.
* personal data: 50 texts each get an address of mail, an account, a card, a social security
  number, a phone or an address of a machine, drawn at random; 50 each get what looks like one.
* leaks: 50 test rows each are put into train as they are; in other letters and punctuation; with
  one word replaced; and as altered copies that name them.

`as published` is what is found of the same rows where nothing is planted.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from benchmarks import planting
from benchmarks.planting import ALIKE, LEAKS, WRONG
from benchmarks.recipes import row
from components.leakage import leakage
from components.params import Params
from components.params.load import load_params
from components.personal import personal
from components.records import REJECTS, read_examples, split_schema, write_split
from components.schema import ID, PARENT_ID, SPLIT, SPLITS
from components.survey import survey
from components.tasks import load_task
from components.tasks.base import Example, Task

HEADS: Final = ("data set", "planted", "rows", "found", "all that is found", "as published")
SHARE: Final = 0.05
SEED: Final = 1
FIRST: Final = 100
# Tables on the page end earlier.
ALL: Final = 1_000_000


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("projects", nargs="+", type=Path)
    print(row(HEADS), row(["---"] * len(HEADS)), sep="\n")
    for project in parser.parse_args().projects:
        params = load_params(project / "params.yaml")
        for line in lines(params, project / "data" / "valid"):
            print(row([params.project.name, *line]), flush=True)
    return 0


def lines(params: Params, valid: Path) -> Iterator[list[Any]]:
    """Yield what was planted, in how many rows, and what of it was found."""
    task = load_task(params.task)
    rows = [each for split in SPLITS for each in read_examples(valid, split)]
    yield from labels(params, task, rows, valid)
    yield from exposures(task, rows, params.ingestion.personal.phone_region)
    yield from leaks(task, rows, valid)


def labels(params: Params, task: Task, rows: Sequence[Example], valid: Path) -> Iterator[list[Any]]:
    """Yield what the survey says of wrong labels; nothing where it cannot say anything."""
    clean = _suspects(params, task, rows, valid)
    if clean is None:
        return
    planted = planting.wrong_labels(task, rows, SHARE, SEED)
    wrong = planted.faults[WRONG]
    listed = _suspects(params, task, planted.rows, valid) or []
    found = [one for one in listed if one[ID] in wrong]
    first = sum(one[ID] in wrong for one in listed[:FIRST])
    named = sum(wrong[one[ID]] == (one["meant"] or one["given"]) for one in found)
    yield [WRONG, len(wrong), len(found), len(listed), len(clean)]
    yield [f"- among the first {FIRST} suspects", "", first, min(FIRST, len(listed)), ""]
    yield ["- with the label that was there", "", named, len(found), ""]


def exposures(task: Task, rows: Sequence[Example], region: str | None) -> Iterator[list[Any]]:
    """Yield how much personal data is found, and how much of what only looks like it."""
    planted = planting.personal_data(task, rows, region, SEED)
    after, before = ({each[ID]: each for each in given} for given in (planted.rows, rows))
    for kind, faults in planted.faults.items():
        told, clean = (
            [{span.label for span in personal(task.content(given[i]), region)} for i in faults]
            for given in (after, before)
        )
        some, own = (sum(map(bool, each)) for each in (told, clean))
        right = some if kind in ALIKE else sum(kind in kinds for kinds in told)
        yield [kind, len(told), right, some, own]


def leaks(task: Task, rows: Sequence[Example], valid: Path) -> Iterator[list[Any]]:
    """Yield how many test rows are found to be in train."""
    planted = planting.leaks(task, rows, SEED)
    test = {each[ID]: each for each in rows if each[SPLIT] == "test"}
    with tempfile.TemporaryDirectory(prefix="planted") as folder:
        _write(planted.rows, valid, Path(folder))
        for kind in LEAKS:
            given = [test[name] for name in planted.faults[kind].values()]
            found, clean = leakage(task, given, Path(folder)), leakage(task, given, valid)
            some, before = (sum(each[name] for name in LEAKS) for each in (found, clean))
            yield [f"leak: {kind}", len(given), found[kind], some, before]


def _suspects(
    params: Params, task: Task, rows: Sequence[Example], valid: Path
) -> list[dict[str, Any]] | None:
    """Return the survey's suspects, the surest first; None where nobody was asked."""
    whole = params.survey.model_copy(update={"listed": ALL})
    with tempfile.TemporaryDirectory(prefix="planted") as folder:
        _write(rows, valid, Path(folder))
        found = survey(params.project, task, whole, params.ingestion, Path(folder), None)
    listed: list[dict[str, Any]] = found["texts"]["suspects"]
    return listed if found["suspects"]["looked_at"] else None


def _write(rows: Sequence[Example], valid: Path, folder: Path) -> None:
    """Write rows as `validate` leaves them; those that name a parent as `augment` does."""
    for split in SPLITS:
        own = [each for each in rows if each[SPLIT] == split]
        schema = split_schema(valid, split)
        if any(PARENT_ID in each for each in own):
            schema = schema.append(pa.field(PARENT_ID, pa.string()))
        write_split(folder, split, pa.Table.from_pylist(own, schema=schema))
    shutil.copyfile(valid / REJECTS, folder / REJECTS)


if __name__ == "__main__":
    sys.exit(main())
