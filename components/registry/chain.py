"""In: rows of a ledger. Out: their hashes, and every row that is not what was written, by name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

COLUMNS: Final = ("seq", "at", "who", "name", "verb", "key", "payload", "previous", "hash")
# What stands for the hash of the row before the first.
NO_ROW: Final = "0" * 64


def canonical(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def row_hash(row: Mapping[str, Any]) -> str:
    """Return the hash of a row: SHA-256 of the previous row's hash and the row as JSON."""
    own = {name: row[name] for name in COLUMNS if name not in {"previous", "hash"}}
    return hashlib.sha256((row["previous"] + canonical(own)).encode()).hexdigest()


def broken_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a sentence for every row that was edited, and every place where one is missing.

    Args:
        rows: all of them, by seq.
    """
    seq, hashed = 0, NO_ROW
    for row in rows:
        title = f"row {row['seq']} ({row['verb']} of {row['name']}, {row['at']})"
        if row_hash(row) != row["hash"]:
            yield f"{title} was edited: its hash is not that of its content"
        if row["seq"] != seq + 1:
            yield f"{title} follows row {seq}: what was between them is gone"
        elif row["previous"] != hashed:
            yield f"{title} does not follow row {seq}: one of them was replaced"
        seq, hashed = row["seq"], row["hash"]


def head_of(seq: int, hashed: str) -> str:
    """Return what MLflow keeps of a model's last row."""
    return canonical({"seq": seq, "hash": hashed})


def read_head(tag: str) -> tuple[int, str]:
    """Return seq and hash of what MLflow keeps; (0, "") for a tag that somebody else wrote."""
    try:
        head = json.loads(tag)
        return int(head["seq"]), str(head["hash"])
    except (KeyError, TypeError, ValueError):
        return 0, ""


def end_missing(name: str, tag: str | None, hashes: Mapping[int, str]) -> str | None:
    """Return what is wrong when MLflow knows of a row of model `name` that is not here.

    Args:
        name: the model.
        tag: what MLflow keeps of its last row, or None.
        hashes: of the rows that are here, by seq.
    """
    if tag is None:
        return None
    seq, hashed = read_head(tag)
    if hashes.get(seq) == hashed:
        return None
    return (
        f"the registry knows of row {seq} of {name} with hash {hashed[:12]}, and the ledger has "
        f"{'another' if seq in hashes else 'none'}: it was cut at its end, or is not the one that "
        "was written"
    )
