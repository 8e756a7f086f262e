"""In: files that are huge, or no files at all. Out: proof that they are refused, or fit memory.

Each is read in a process of its own, whose memory is counted. What is refused is refused before
much of it is read: these files have holes, and hardly any of their bytes lie on the disk.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import DataError
from components.ingestion.probe import probe
from components.ingestion.source import locate
from components.params import load_params

GIB: Final = 1 << 30
MIB: Final = 1 << 20
MOST: Final = 512
COLUMNS: Final = [f"c{number}" for number in range(50_000)]
# The most that this program held: what the operating system counts for processes has that of their
# parents in it.
HELD: Final = """
import re
held = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""
READ: Final = f"""
import json, sys
from pathlib import Path
from components.errors import DataError
from components.ingestion.readers import read_records

rows, told = 0, None
try:
    kind = sys.argv[3] or None
    scheme = "iob2" if kind == "conll" else None
    for _ in read_records(Path(sys.argv[1]), json.loads(sys.argv[2]), kind, scheme=scheme):
        rows += 1
except DataError as error:
    told = error.what
{HELD}
print(json.dumps({{"rows": rows, "told": told, "mib": held / 1024}}))
"""
INGEST: Final = f"""
import json, sys
from pathlib import Path
from components.ingestion import ingest
from components.params import load_params
from components.tasks import load_task

params = load_params(Path(sys.argv[1]) / "params.yaml")
columns = params.ingestion.columns.model_copy(
    update={{"fields": {{"text": "text", "label": "label"}}, "group": None, "slices": ()}}
)
ingestion = params.ingestion.model_copy(update={{"source": "a.csv", "columns": columns}})
folder = Path(sys.argv[2])
card = ingest(params.project, load_task(params.task), ingestion, folder, folder / "raw")
{HELD}
print(json.dumps({{"rows": card["rows"], "mib": held / 1024}}))
"""


pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")


def child(root: Path, program: str, *words: str) -> dict[str, Any]:
    """Run a program, and return what it found and the memory that it took."""
    done = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=root, check=True, stdout=subprocess.PIPE
    )
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["mib"] < MOST
    return found


def hollow(path: Path, head: bytes, size: int = GIB) -> Path:
    """Make a file that goes on with zeros that take no place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


@pytest.mark.parametrize(
    ("name", "kind", "columns", "head"),
    [
        ("a.csv", "", ["text"], b"text,label\na,b\n"),
        ("a.tsv", "", ["text"], b"text\tlabel\na\tb\n"),
        ("a.jsonl", "", ["text"], b'{"text": "a"}\n'),
        ("a.jsonl", "doccano", ["text"], b'{"text": "a", "label": []}\n'),
        ("a.conll", "conll", ["text"], b"a O\n"),
        ("lines/a.txt", "lines", ["text"], b"a\n"),
    ],
)
def test_a_line_of_a_gigabyte_is_refused_by_its_number(
    root: Path, tmp_path: Path, name: str, kind: str, columns: list[str], head: bytes
) -> None:
    path = hollow(tmp_path / name, head)
    asked = path.parent if kind == "lines" else path

    found = child(root, READ, str(asked), json.dumps(columns), kind)

    line = head.count(b"\n") + 1
    assert found["told"] == f"{path}, line {line}: longer than 16777216 bytes"


@pytest.mark.parametrize(
    ("name", "kind", "columns"),
    [
        ("a.json", "", ["question"]),
        ("a.json", "label_studio", ["text"]),
        ("texts/pos/a.txt", "texts", ["text"]),
    ],
)
def test_what_is_held_whole_has_a_largest_size(
    root: Path, tmp_path: Path, name: str, kind: str, columns: list[str]
) -> None:
    path = hollow(tmp_path / name, b"{", 10 * GIB)
    asked = tmp_path / "texts" if kind == "texts" else path

    found = child(root, READ, str(asked), json.dumps(columns), kind)

    assert found["rows"] == 0
    assert found["told"].startswith(f"{path}: {10 * GIB} bytes, more than ")


def test_a_row_whose_cells_have_lines_has_a_largest_size(root: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"text,label\na,b\n" + b'"a\nb",' * (20 * MIB // 6))

    found = child(root, READ, str(tmp_path / "a.csv"), '["text"]', "")

    assert found["rows"] == 1
    assert "line 3: the row that begins here is longer than 16777216 characters" in found["told"]


def test_a_sentence_and_a_document_without_an_end_are_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_bytes(b"a O\n" * 600_000)
    found = child(root, READ, str(tmp_path / "a.conll"), '["text"]', "conll")
    assert found["told"].endswith("line 500001: there are 500000 words before any end")

    (tmp_path / "b.conll").write_bytes(b"-DOCSTART- O\n\n" + b"a O\n\n" * 600_000)
    found = child(root, READ, str(tmp_path / "b.conll"), '["text"]', "conll")
    assert found["told"].endswith("line 1000003: there are 500000 words before any end")


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_fifty_thousand_columns_are_read(root: Path, tmp_path: Path, kind: str) -> None:
    sign = "\t" if kind == "tsv" else ","
    lines = [sign.join(COLUMNS), *[sign.join("x" for _ in COLUMNS)] * 20]
    if kind == "jsonl":
        lines = [json.dumps(dict.fromkeys(COLUMNS, "x"))] * 20
    path = tmp_path / f"a.{kind}"
    path.write_text("\n".join(lines))

    assert child(root, READ, str(path), '["c7", "c49999"]', "")["rows"] == 20

    told = child(root, READ, str(path), '["label"]', "")["told"]
    assert told.endswith("c38, c39, 49960 more")
    assert len(told) < 1000


def test_fifty_thousand_columns_of_one_name_are_told_in_a_line(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join([*["text"] * 25_000, *COLUMNS[:12_500], *COLUMNS[:12_500]]))

    told = child(root, READ, str(path), '["text"]', "")["told"]

    assert "'c0' (columns 25001 and 37501)" in told
    assert told.endswith("12461 more")
    assert len(told) < 3000


@pytest.mark.parametrize(("name", "rule"), [("a.csv.gz", "cannot be read"), ("a.csv", "not UTF-8")])
def test_what_is_packed_stays_packed(root: Path, tmp_path: Path, name: str, rule: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b"\0" * 64 * MIB))

    assert rule in child(root, READ, str(tmp_path / name), '["text"]', "")["told"]


def test_no_pipe_and_no_device_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"a\.csv is neither a file nor a folder"):
        locate(tmp_path, "a.csv")
    with pytest.raises(DataError, match="zero is neither a file nor a folder"):
        locate(Path("/dev"), "zero")
    (tmp_path / "b.csv").symlink_to("/dev/zero")
    with pytest.raises(DataError, match=r"b\.csv leads out of"):
        locate(tmp_path, "b.csv")


@pytest.mark.parametrize("name", ["a.csv", "texts/positive/a.txt"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_pipe_or_device_is_refused_before_dvc_would_wait_for_it(
    root: Path, tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    folder = tmp_path / "source"
    (folder / name).parent.mkdir(parents=True)
    params = load_params(root / "params.yaml").ingestion.model_copy(update={"folder": str(folder)})
    assert probe(params, tmp_path / "source.json") == []

    make(folder / name)

    with pytest.raises(DataError, match=f"{name} is neither a file nor a folder, and DVC would"):
        probe(params, tmp_path / "source.json")


def long_rows(path: Path, rows: int, characters: int) -> None:
    """Write a CSV of long texts, no two alike."""
    with path.open("w") as file:
        file.write("text,label\n")
        for number in range(rows):
            file.write(f"{number} {'word ' * (characters // 5)},cancel_order\n")


def test_memory_does_not_grow_with_the_length_of_rows(root: Path, tmp_path: Path) -> None:
    long_rows(tmp_path / "a.csv", 4_000, 60_000)

    assert child(root, INGEST, str(root), str(tmp_path))["rows"] == 4_000


def test_memory_does_not_grow_with_the_length_of_rows_of_parquet(
    root: Path, tmp_path: Path
) -> None:
    rows = pa.table({"text": [f"{number} {'word ' * 12_000}" for number in range(3_000)]})
    pq.write_table(rows, tmp_path / "a.parquet", use_dictionary=False)

    found = child(root, READ, str(tmp_path / "a.parquet"), '["text"]', "")

    assert found["rows"] == 3_000


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_text_that_stands_in_many_rows_is_held_once(
    root: Path, tmp_path: Path, kind: str
) -> None:
    numbers = pa.array([row % 3 for row in range(1_500)], pa.int32())
    texts = pa.array([f"{number} {'word ' * 100_000}" for number in range(3)])
    rows = pa.table({"text": pa.DictionaryArray.from_arrays(numbers, texts)})
    path = tmp_path / f"a.{kind}"
    if kind == "parquet":
        pq.write_table(rows, path, store_schema=False)
    else:
        with pa.ipc.new_file(path, rows.schema) as file:
            file.write_table(rows)
    assert path.stat().st_size < 2 * MIB

    assert child(root, READ, str(path), '["text"]', "")["rows"] == 1_500


@pytest.mark.chaos
def test_ten_gigabytes_are_read_in_half_of_one(root: Path, tmp_path: Path) -> None:
    long_rows(tmp_path / "a.csv", 100_000, 100_000)
    assert (tmp_path / "a.csv").stat().st_size > 10**10

    assert child(root, INGEST, str(root), str(tmp_path))["rows"] == 100_000
