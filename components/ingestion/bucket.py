"""In: the address of an object in a bucket. Out: that object as a file here, or what it is."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path, PurePosixPath
from typing import Any, Final

from components.errors import Away, DataError
from components.files import CHUNK

MOST_BYTES: Final = 64 << 30
# What the clients of storage call an error that passes; their packages need not be installed.
PASSING: Final = {"ConnectionError", "HTTPClientError"}
# The package that fsspec needs for a kind of storage.
PACKAGES: Final = {"s3": "s3fs"}


def fetch(address: str, folder: Path, most: int = MOST_BYTES) -> Path:
    """Return the object as a file in `folder`, with its own suffix.

    Args:
        address: such as `s3://bucket/key.csv`; any kind of storage that fsspec knows.
        folder: where the file is put.
        most: bytes; a larger object is refused.

    Raises:
        DataError: it is not there, may not be read, is no single object, or is too large.
        Away: the storage does not answer.
    """
    files, place, told = _object(address)
    size = int(told.get("size") or 0)
    if size > most:
        raise DataError(
            f"{address}: {size} bytes, more than {most}", "put it into ingestion.folder by hand"
        )
    path = folder / f"file{PurePosixPath(place).suffix}"
    try:
        with files.open(place, "rb") as source, path.open("wb") as file:
            shutil.copyfileobj(source, file, CHUNK)
    # Each kind of storage raises errors of its own.
    except Exception as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise
        raise _refusal(address, error) from error
    if path.stat().st_size != size:
        raise Away(
            f"{address}: {path.stat().st_size} bytes came of {size}", "run the same command again"
        )
    return path


def facts(address: str) -> dict[str, Any]:
    """Return what tells that the object changed: its ETag, or what its storage has in place of it.

    Raises:
        DataError: it is not there, or may not be read.
        Away: the storage does not answer.
    """
    files, place, told = _object(address)
    return {"etag": str(told.get("ETag") or files.ukey(place)), "bytes": int(told["size"])}


def _object(address: str) -> tuple[Any, str, dict[str, Any]]:
    """Return the storage, the path in it, and what it says about the object, asked anew."""
    import fsspec

    scheme = address.partition("://")[0]
    try:
        files, place = fsspec.core.url_to_fs(address, use_listings_cache=False)
        told = files.info(place)
    except ImportError as error:
        package = PACKAGES.get(scheme, scheme)
        raise DataError(
            f"{address}: the package {package} is not installed",
            f"run `pip install {package}` where the line runs",
        ) from error
    except Exception as error:
        raise _refusal(address, error) from error
    if told.get("type") != "file":
        raise DataError(f"{address} is no single object", "name one object, with its whole key")
    return files, place, dict(told)


def _refusal(address: str, error: Exception) -> DataError | Away:
    if isinstance(error, FileNotFoundError):
        return DataError(f"{address} is missing", "correct it in the ingestion section")
    if isinstance(error, PermissionError):
        return DataError(
            f"{address} may not be read: {error}",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the role, where the line runs",
        )
    reason = str(error) or type(error).__name__
    if isinstance(error, OSError) or PASSING & {kind.__name__ for kind in type(error).__mro__}:
        return Away(f"{address}: {reason}", "check the network and AWS_ENDPOINT_URL, run again")
    return DataError(f"{address}: {reason}", "correct the address, or what opens it")
