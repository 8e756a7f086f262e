"""In: folders in which a search was run. Out: what altered copies were worth in each, as a table.

    python -m benchmarks.augmentation_ablation PROJECT [PROJECT ...]

Figures are of validation, from search/ablation.json: nothing is trained and no test row is read.
`python -m flows search`, or `dvc repro search`, makes them, with `search.ablation.seeds` trainings
on each side.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from benchmarks.recipes import row
from components.files import read_json
from components.pages.words import bounds, count, duration, figure, name, signed
from components.params.load import read_tree

HEADS: Final = (
    *("data set", "metric", "rows", "copies", "seeds", "with", "without", "points", "interval"),
    *("verdict", "time"),
)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("projects", nargs="+", type=Path)
    print(row(HEADS), row(["---"] * len(HEADS)), sep="\n")
    for project in parser.parse_args().projects:
        path = project / "search" / "ablation.json"
        title = read_tree(project / "params.yaml")["project"]["name"]
        print(row(cells(title, read_json(path)) if path.exists() else (title, "not asked")))
    return 0


def cells(title: str, found: Mapping[str, Any]) -> list[str]:
    """Return the line of one data set."""
    sides = [found["with_scores"], found["without_scores"]]
    return [
        title,
        name(found["metric"]),
        count(found["rows"] - found["copies"]),
        count(found["copies"]),
        count(len(sides[0])),
        *(figure(fmean(scores) if scores else None, "score") for scores in sides),
        signed(found["gain"], 2),
        bounds((found["low"], found["high"]), "points"),
        found["verdict"],
        duration(found["seconds"]),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
