"""In: a folder. Out: a database in it for what does not fit into memory, gone when it is done with.

Texts are known in it by a digest: of ten million, two get the same one in one case of 10^15.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

NAME: Final = ".scratch.sqlite"
DIGEST_BYTES: Final = 12
CACHE_KIB: Final = 64 << 10


@contextlib.contextmanager
def scratch_database(folder: Path) -> Iterator[sqlite3.Connection]:
    """Give an empty database for a block; memory holds 64 MiB of it, however large it grows.

    What a kill leaves of it goes with the folder, which is one of those that appear by rename.
    Nothing in it outlives a run, hence no journal, and no wait for the disk.

    Raises:
        OSError: ENOSPC where the disk is full.
    """
    path = folder / NAME
    path.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        for pragma in (
            "journal_mode = OFF", "synchronous = OFF", "locking_mode = NORMAL",
            "temp_store = FILE", f"cache_size = -{CACHE_KIB}",
        ):  # fmt: skip
            database.execute(f"PRAGMA {pragma}")
        try:
            yield database
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise
            raise OSError(errno.ENOSPC, str(error), str(path)) from error
        finally:
            path.unlink()


def short_digest(text: str) -> bytes:
    """Return 12 bytes that stand for a text."""
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()
