"""In: the digests of data, params, lock file and encoder, and the code. Out: one lineage id."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from components.files import sha256_file, sha256_json

ROOT: Final = Path(__file__).resolve().parents[1]
CODE: Final = ("components", "flows")
LOCK: Final = "constraints.txt"
SHOWN: Final = 16


def lineage(data: str, params: Mapping[str, Any], encoder: str) -> dict[str, str]:
    """Return what a model was made from, and one id for all of it.

    Args:
        data: digest of the tokens' arrays, which carry the data and how it was prepared.
        params: the values that shaped the model, as JSON.
        encoder: digest of the pretrained encoder's files.
    """
    parts = {
        "data": data,
        "code": code_digest(ROOT),
        "params": sha256_json(params),
        "lock": sha256_file(ROOT / LOCK),
        "encoder": encoder,
    }
    return {"id": sha256_json(parts)[:SHOWN], **parts}


def extend(lineage: Mapping[str, str], params: Mapping[str, Any]) -> dict[str, str]:
    """Return the lineage of what a later stage made with further params."""
    parts = {name: value for name, value in lineage.items() if name != "id"}
    parts["params"] = sha256_json({"before": parts.get("params"), "after": dict(params)})
    return {"id": sha256_json(parts)[:SHOWN], **parts}


def code_digest(root: Path) -> str:
    """Return the digest of all sources, whatever their order on disk and without byte code."""
    files = {
        path.relative_to(root).as_posix(): sha256_file(path)
        for folder in CODE
        for path in (root / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    return sha256_json(files)
