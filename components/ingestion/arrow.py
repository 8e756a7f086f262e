"""In: an Arrow IPC file or stream, such as a Feather file. Out: its records as text."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from components.errors import DataError
from components.ingestion.batches import require_text, text_rows
from components.ingestion.decoding import Record

# https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
FILE_MARK: Final = b"ARROW1"
FEATHER_1: Final = b"FEA1"
END_OF_STREAM: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def read_arrow(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """Stream an Arrow file or stream; columns must hold text, whole numbers or booleans.

    Raises:
        DataError: it is none, was cut on its way, or a column does not hold what it must.
    """
    try:
        with contextlib.closing(pa.memory_map(str(path))) as mapped:
            yield from text_rows(path, _batches(path, mapped, columns), columns)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path} is no readable Arrow file: {error}",
            "write it again, such as by pyarrow.feather.write_feather, with UTF-8 text",
        ) from error


def _batches(
    path: Path, mapped: pa.MemoryMappedFile, columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Yield the batches, of which only the columns that are wanted are decompressed."""
    head = mapped.read(len(FILE_MARK))
    if head.startswith(FEATHER_1):
        raise DataError(
            f"{path} is a Feather file of version 1, which is read no more",
            "write it again by pyarrow.feather.write_feather",
        )
    whole = head == FILE_MARK
    if not whole:
        _require_end(path, mapped)
    mapped.seek(0)
    opened = pa.ipc.open_file if whole else pa.ipc.open_stream
    schema = opened(mapped).schema
    require_text(path, schema, columns)
    mapped.seek(0)
    wanted = [schema.get_field_index(name) for name in columns]
    reader = opened(mapped, options=pa.ipc.IpcReadOptions(included_fields=wanted))
    if whole:
        yield from map(reader.get_batch, range(reader.num_record_batches))
    else:
        yield from reader


def _require_end(path: Path, mapped: pa.MemoryMappedFile) -> None:
    """Refuse a stream without its end: its reader would take what is there for all there is."""
    size = mapped.size()
    mapped.seek(max(0, size - len(END_OF_STREAM)))
    if mapped.read(len(END_OF_STREAM)) != END_OF_STREAM:
        raise DataError(
            f"{path}, byte {size}: neither an Arrow file nor a stream with its end mark",
            "write it again; it may have been cut on its way, or be something else",
        )
