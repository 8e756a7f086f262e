"""In: numbers of rows. Out: seconds and peak memory of `ingest` and of `validate` at each of them.

    python -m benchmarks.data_scale [--rows 100000 1000000] [--json]

A CSV of short labelled texts is made, with copies of earlier texts, copies with another label,
variants that differ in punctuation, and rows that lack their text or label. The flows of both
stages read it, each in a process of its own, with the values of params.yaml but for labels and
columns. All counts that a stage does but for the import of Prefect, which costs the same at any
size. `cpu` are seconds of the processor, which tell more than those of the wall where others use
it; `tree` is the most that a stage held with all its children, pages that they share counted once.
Ends with 1 when a limit is missed: seconds of both stages, peak memory of either, and by how much
the processor's seconds per row, and memory, may grow from the fewest rows to the most.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from unittest import mock

from benchmarks.memory import peak_memory
from components.params import Params
from components.params.load import check_params, read_tree
from components.records import read_card
from flows.stage import PARAMS, flow_of

ROWS: Final = (100_000, 1_000_000)
STAGES: Final = ("ingest", "validate")
KINDS_OF_FIGURES: Final = ("seconds", "cpu", "gib", "tree")
# For every million rows that are read, and in all.
SECONDS: Final = 240.0
MILLION: Final = 1_000_000
GIB: Final = 2.0
# From the fewest rows to the most: of seconds per row, and of memory in GiB; the lower figure is
# what a stage takes with hardly any rows.
SLOWER: Final = 1.5
GROWTH: Final = 0.5
FILE: Final = "rows.csv"
LABELS: Final = tuple(f"intent_{number:02d}" for number in range(40))
LEXICON: Final = """
    order parcel refund account invoice payment card address delivery driver tracking number where
    when why how please could cannot never again still today yesterday tomorrow week month my your
    the this that it was is has been charged twice broken missing wrong late early lost blue red
    size box door neighbour shop app password login email phone call agent chat help open close
    return
"""
WORDS: Final = tuple(LEXICON.split())
# Of 1,000 rows, those up to which number are of each kind; the others are good and new.
KINDS: Final = (
    (15, "copy"), (20, "conflict"), (30, "variant"), (34, "no text"), (37, "no label"),
    (40, "unknown label"),
)  # fmt: skip
MASK: Final = (1 << 64) - 1


def main() -> int:
    """Run both stages at every size, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS))
    parser.add_argument("--json", action="store_true", help="print the figures alone")
    parser.add_argument("--stage", nargs=2, help="run one stage in a folder that holds its inputs")
    given = parser.parse_args()
    if given.stage:
        print(json.dumps(run_stage(given.stage[0], Path(given.stage[1]))))
        return 0
    found = []
    for rows in sorted(given.rows):
        found.append(measure(rows))
        print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    print(json.dumps(found) if given.json else table(found))
    return int(bool(missed(found)))


def measure(rows: int) -> dict[str, Any]:
    """Return what both stages took for so many rows."""
    found: dict[str, Any] = {"rows": rows}
    with tempfile.TemporaryDirectory(prefix="data_scale") as scratch:
        folder = Path(scratch).resolve()
        write_rows(folder / FILE, rows)
        found["megabytes"] = (folder / FILE).stat().st_size / 1e6
        for stage in STAGES:
            command = [sys.executable, "-m", "benchmarks.data_scale", "--stage", stage, str(folder)]
            with peak_memory(folder) as watched:
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            told = json.loads(done.stdout.splitlines()[-1])
            found[stage] = told | {"tree": watched.bytes / 2**30}
        card = read_card(folder / "valid")
        found |= {"rejected": card["rejected"], "reasons": card["reasons"]}
    return found


def run_stage(stage: str, folder: Path) -> dict[str, float]:
    """Run one stage's flow, and return its seconds and its most memory."""
    params = parameters()
    flow = flow_of(stage).fn
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.chdir(folder)
    begun, used = time.perf_counter(), time.process_time()
    if stage == "ingest":
        flow(params.project, params.task, params.ingestion, source=folder, out=Path("raw"))
    else:
        made = {"raw": "raw", "out": "valid", "report": "report"}
        made |= {"page": "data.html", "figures": "data.json"}
        paths = {name: Path(path) for name, path in made.items()}
        sections = (params.project, params.task, params.ingestion, params.validation)
        # What is shown beside the run is Prefect's.
        with mock.patch("flows.validate.publish"):
            flow(*sections, params.survey, **paths)
    spent = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - used}
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB on Linux, bytes on macOS
    return {**spent, "gib": held / (2**20 if sys.platform != "darwin" else 2**30)}


def parameters() -> Params:
    """Return params.yaml's values with the columns and labels of the rows that are made here."""
    tree = read_tree(PARAMS)
    columns = tree["ingestion"]["columns"] | {
        "fields": {"text": "text", "label": "label"}, "group": "customer", "slices": ["channel"],
    }  # fmt: skip
    tree["task"] = tree["task"] | {"labels": list(LABELS)}
    tree["ingestion"] = tree["ingestion"] | {"source": FILE, "columns": columns}
    suite = str(Path(tree["validation"]["suite"]).resolve())
    tree["validation"] = tree["validation"] | {"max_unknown_labels": 10**9, "suite": suite}
    # Of ten million texts of so few words, a third are near another: no budget ends the run.
    tree["survey"]["budgets"] = dict.fromkeys(tree["survey"]["budgets"], 1.0)
    return check_params(tree, str(PARAMS))


def write_rows(path: Path, rows: int) -> None:
    """Write a CSV; memory does not grow with its rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label", "customer", "channel"))
        writer.writerows(made(rows))


def made(rows: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield rows, of 1,000 some 960 good ones; which ones follows from their number alone."""
    for row in range(rows):
        chance = _mixed(row)
        kind = next((kind for most, kind in KINDS if chance % 1000 < most), "new")
        same = chance % (row + 1) if kind in {"copy", "conflict", "variant"} else row
        text, label = said(same), LABELS[(same + (kind == "conflict")) % len(LABELS)]
        if kind == "variant":
            text = text.replace(" ", " - ", 1) + "!"
        customer, channel = f"c{_mixed(row ^ MASK) % (rows // 3 + 1)}", ("web", "app")[row % 2]
        yield (
            " " if kind == "no text" else text,
            {"no label": "", "unknown label": "intent_unknown"}.get(kind, label),
            customer,
            channel,
        )


def said(row: int) -> str:
    """Return the text of a row: eight words, and now and then the same as another row's."""
    chance = _mixed(row + 1)
    return " ".join(WORDS[chance >> shift & 63] for shift in range(0, 48, 6))


def _mixed(number: int) -> int:
    """Return 64 bits that look like chance (Steele et al., SplitMix64, OOPSLA 2014)."""
    mixed = (number * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) & MASK
    mixed = ((mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9) & MASK
    mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & MASK
    return mixed ^ mixed >> 31


def total(found: dict[str, Any], kind: str) -> float:
    """Return what both stages took together."""
    return float(sum(found[stage][kind] for stage in STAGES))


def peak(found: dict[str, Any], stage: str) -> float:
    """Return the most memory of a stage, in GiB."""
    return float(max(found[stage]["gib"], found[stage]["tree"]))


def limits(found: Sequence[dict[str, Any]]) -> list[tuple[str, float, float, str]]:
    """Return what is limited: its name, the figure, the most it may be, and their unit."""
    first, last = found[0], found[-1]
    kept = []
    for one in found:
        most = SECONDS * max(1.0, one["rows"] / MILLION)
        kept.append((f"both stages, {one['rows']:,} rows", total(one, "seconds"), most, "s"))
    for stage in STAGES:
        most_held = max(peak(one, stage) for one in found)
        kept.append((f"peak memory of {stage}", most_held, GIB, "GiB"))
    if last["rows"] > first["rows"]:
        per_row = [total(one, "cpu") / one["rows"] for one in (first, last)]
        kept.append(("cpu per row, last by first", per_row[1] / per_row[0], SLOWER, ""))
        for stage in STAGES:
            growth = peak(last, stage) - peak(first, stage)
            kept.append((f"growth of {stage}", growth, GROWTH, "GiB"))
    return kept


def missed(found: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of the limits that are not kept."""
    return [name for name, figure, most, _ in limits(found) if not figure <= most]


def table(found: Sequence[dict[str, Any]]) -> str:
    """Return the figures as a table, and what is limited."""
    lines = [f"{'rows':>11}{'':>10}" + "".join(f"{kind:>9}" for kind in KINDS_OF_FIGURES)]
    for one in found:
        for stage in STAGES:
            cells = "".join(f"{one[stage][kind]:>9.2f}" for kind in KINDS_OF_FIGURES)
            lines.append(f"{one['rows']:>11,}{stage:>10}{cells}")
        lines.append(f"{'':>21} of {one['megabytes']:.0f} MB, {one['rejected']:,} rows rejected")
    reasons = ", ".join(f"{name} {rows:,}" for name, rows in found[-1]["reasons"].items())
    lines += [f"rejected of {found[-1]['rows']:,} rows: {reasons}", ""]
    for name, figure, most, unit in limits(found):
        told = f"{figure:.2f} {unit}".rstrip()
        judged = "holds" if figure <= most else "MISSED"
        lines.append(f"{name:<36}{told:>12}   <= {most:g} {unit:<4} {judged}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
