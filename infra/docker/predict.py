"""In: a line per example on standard input. Out: its answer, a line of JSON each.

    python predict.py BUNDLE < examples

A line is a JSON object with the task's inputs, or just the text where that is all of them. Needs
no torch.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

from components.errors import DataError, TouchstoneError
from components.inference import load_predictor

BATCH: Final = 32


def example(line: str, number: int, inputs: Sequence[str]) -> dict[str, Any]:
    """Return one line of input as an example.

    Raises:
        DataError: it starts like a JSON object and is none, or lacks an input.
    """
    if not line.startswith("{") and len(inputs) == 1:
        return {inputs[0]: line}
    try:
        found = dict(json.loads(line))
    except ValueError as error:
        raise DataError(f"line {number} is not JSON: {error}", "one object per line") from error
    for name in inputs:
        if not isinstance(found.get(name), str):
            raise DataError(
                f"line {number}: {name!r} must be a text, found {found.get(name)!r}",
                f"give every object: {', '.join(inputs)}",
            )
    return found


def answers(folder: Path, lines: IO[str]) -> Iterator[str]:
    """Yield one line of JSON per line of input, in its order, batch by batch."""
    predictor = load_predictor(folder)
    inputs = predictor.bundle.task.inputs
    numbered = enumerate((line.rstrip("\n") for line in lines), start=1)
    while batch := [example(line, number, inputs) for number, line in islice(numbered, BATCH)]:
        for answer in predictor.predict(batch, BATCH):
            yield json.dumps(dict(answer.value), ensure_ascii=False)


def main(argv: Sequence[str]) -> int:
    """Answer until the input ends."""
    try:
        for line in answers(Path(argv[0]), sys.stdin):
            print(line, flush=True)
    except TouchstoneError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
