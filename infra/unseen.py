"""In: Banking77 as published. Out: three CSV files, each of intents that the others do not have.

python -m infra.unseen FOLDER OUT_FOLDER
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from components.errors import ParamsError, TouchstoneError
from components.files import write_text
from components.ingestion.tables import read_csv

# Every fifth intent by alphabet is for the test, and of the rest every fifth for validation.
EVERY: Final = 5
HELD_OUT: Final = 12
COLUMNS: Final = ("text", "category")


def splits(intents: Sequence[str]) -> Mapping[str, list[str]]:
    """Return the intents of each split, disjoint; of 77 there are 50, 12 and 15."""
    ordered = sorted(set(intents))
    test = ordered[EVERY - 1 :: EVERY]
    rest = [intent for intent in ordered if intent not in set(test)]
    validation = rest[EVERY - 1 :: EVERY][:HELD_OUT]
    train = [intent for intent in rest if intent not in set(validation)]
    return {"train": train, "validation": validation, "test": test}


def write_unseen(folder: Path, out: Path) -> dict[str, int]:
    """Write train.csv, validation.csv and test.csv; return their rows.

    Rows of both published files are used: which file a row was published in says nothing here.

    Raises:
        DataError: a published file is absent or malformed.
    """
    rows = [row for name in ("train", "test") for row in read_csv(folder / f"{name}.csv", COLUMNS)]
    counts = {}
    for split, intents in splits([str(row["category"]) for row in rows]).items():
        own = [(row["text"], row["category"]) for row in rows if row["category"] in set(intents)]
        file = io.StringIO(newline="")
        table = csv.writer(file, lineterminator="\n")
        table.writerows([COLUMNS, *own])
        write_text(out / f"{split}.csv", file.getvalue())
        counts[split] = len(own)
    return counts


def main(argv: Sequence[str]) -> int:
    """Write the three files."""
    try:
        if len(argv) != len(COLUMNS):
            raise ParamsError("no folders are named", "python -m infra.unseen FOLDER OUT_FOLDER")
        counts = write_unseen(Path(argv[0]), Path(argv[1]))
    except TouchstoneError as error:
        print(f"\n{error}\n", file=sys.stderr)
        return error.exit_code
    print(", ".join(f"{split} {rows}" for split, rows in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
