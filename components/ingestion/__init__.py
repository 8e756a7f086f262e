"""In: labelled text as it comes. Out: examples with ids, groups and splits that never move."""

from components.ingestion.ingest import ingest
from components.ingestion.probe import probe

__all__ = ["ingest", "probe"]
