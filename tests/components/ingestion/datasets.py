"""In: a folder. Out: a data set in the layout of the hub, with a script that ends who runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

README = """---
license: cc0-1.0
dataset_info:
- config_name: plain
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': no
          '1': "yes"
configs:
- config_name: plain
  data_files:
  - split: train
    path: data/train-*
  - split: test
    path: data/test-00000-of-00001.parquet
- config_name: other
  data_files: other/**/*.jsonl
---
# A data set
"""


def table(path: Path, texts: list[str], labels: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"text": texts, "label": labels}), path)


def write_dataset(folder: Path) -> Path:
    """Make a folder as `push_to_hub` leaves it, with a script that must never run."""
    table(folder / "data/train-00001-of-00002.parquet", ["c"], [1])
    table(folder / "data/train-00000-of-00002.parquet", ["a", "b"], [0, -1])
    table(folder / "data/test-00000-of-00001.parquet", ["d"], [1])
    (folder / "other/deep").mkdir(parents=True)
    (folder / "other/deep/x.jsonl").write_text('{"text": "e", "label": "1"}\n')
    (folder / "README.md").write_text(README)
    (folder / "set.py").write_text("raise SystemExit('code of a data set was run')\n")
    (folder / ".gitattributes").write_text("*.parquet filter=lfs\n")
    return folder
