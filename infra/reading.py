"""In: SQuAD as published. Out: a CSV of what readers have read, and what they go on with.

python -m infra.reading FOLDER OUT.csv
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from components.errors import DataError, ParamsError, TouchstoneError
from components.files import write_text

SOURCE: Final = "dev-v1.1.json"
COLUMNS: Final = ("text", "item")
PAST: Final = 3
WORDS: Final = 25
BETWEEN: Final = " | "
ARGUMENTS: Final = 2


def histories(articles: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield, per three passages of an article that follow one another, their openings and its name.

    A made-up reader has read the three; what comes next is the article that they are from. The
    newest stands first: what does not fit into a row of tokens is cut at the end.
    """
    for article in articles:
        passages = [opening(one["context"]) for one in article["paragraphs"]]
        for start in range(len(passages) - PAST + 1):
            yield BETWEEN.join(reversed(passages[start : start + PAST])), str(article["title"])


def opening(passage: str) -> str:
    """Return the first words of a passage, white space collapsed."""
    return " ".join(passage.split()[:WORDS])


def write_histories(folder: Path, out: Path) -> int:
    """Write the CSV; return its rows.

    Raises:
        DataError: the published file is absent, or not what it was.
    """
    path = folder / SOURCE
    try:
        articles = json.loads(path.read_text(encoding="utf-8"))["data"]
        rows = list(histories(articles))
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing", "put the published file there") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not SQuAD 1.1: {error!r}", "fetch it again") from error
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, text.getvalue())
    return len(rows)


def main(argv: Sequence[str]) -> int:
    """Make the file of the recipe `recommendation`."""
    try:
        if len(argv) != ARGUMENTS:
            raise ParamsError("two paths are needed", "python -m infra.reading FOLDER OUT.csv")
        print(f"{write_histories(Path(argv[0]), Path(argv[1])):,} histories in {argv[1]}")
    except TouchstoneError as error:
        print(f"\n{error}\n", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
