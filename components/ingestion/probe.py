"""In: sources that DVC cannot see. Out: a file that changes when they do, and only then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.addresses import BUCKET, HUB, SQL, is_remote, kind_of
from components.errors import IntegrityError
from components.files import read_json, write_json
from components.ingestion import bucket, database, hub, web
from components.ingestion.source import require_files, wanted_columns
from components.params import IngestionParams


def probe(params: IngestionParams, path: Path) -> list[str]:
    """Ask what the sources are now, and write it down where it differs from what was known.

    Files and samples are not asked: DVC watches the folder of the former, if there are only files
    in it, and a name says all of the latter. Without other sources the file says that there are
    none.

    Args:
        params: names the sources.
        path: the JSON file on which the stage that reads them depends.

    Returns:
        The names of the sources that changed.

    Raises:
        DataError: a source is not there, or refuses, or the folder holds a pipe or a device.
        Away: what holds a source does not answer; the file stays as it is.
    """
    require_files(Path(params.folder))
    now = {name: _facts(params, name) for name in params.sources.values() if is_remote(name)}
    try:
        before = read_json(path)
    except IntegrityError:
        before = None
    told = {"sources": now}
    if before != told:
        write_json(path, told)
    known = before.get("sources") if isinstance(before, dict) else None
    return [name for name, facts in now.items() if (known or {}).get(name) != facts]


def _facts(params: IngestionParams, name: str) -> dict[str, Any]:
    kind = kind_of(name)
    if kind == SQL:
        return database.facts(name, wanted_columns(params), params.changed)
    if kind == BUCKET:
        return bucket.facts(name)
    return hub.facts(name) if kind == HUB else dict(web.facts(name))
