"""In: the sources that DVC cannot see. Out: data/source.json, changed when they are, only then."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from components.ingestion import probe as probe_sources
from components.params import IngestionParams

SOURCE: Final = Path("data/source.json")


def probe(ingestion: IngestionParams) -> str:
    """Ask a database, a server, a bucket or the hub whether there are new data.

    What they answer is written to data/source.json, on which the stage `ingest` depends: the next
    `dvc repro` reads new data, and does nothing without any. `release` does this by itself.
    """
    changed = probe_sources(ingestion, SOURCE)
    return f"new data at {len(changed)} of the sources" if changed else "no new data"
