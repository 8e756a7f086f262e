"""In: bytes and folders. Out: the same on disk, whole or absent, with digests that are checked."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

from components.errors import IntegrityError
from components.failpoints import writing

MANIFEST: Final = "manifest.json"
CHUNK: Final = 1 << 20
# Nothing is written for so long under a temporary name.
ABANDONED_SECONDS: Final = 3600.0
# Made once: each row has a digest.
_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_json(value: object) -> str:
    """Return the SHA-256 of a JSON value in its one canonical form (sorted keys, no spaces)."""
    return hashlib.sha256(_CANONICAL.encode(value).encode()).hexdigest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(path: Path) -> None:
    """Remove what processes that were killed while they wrote `path` have left beside it.

    By age, not by process: the id may have been given again, or belong to another machine.
    """
    for partial in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - partial.stat().st_mtime > ABANDONED_SECONDS:
                partial.unlink()


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a binary file that appears under `path` when the block ends well, and only then.

    Temporary file in the same folder, flush, fsync, rename, fsync of the folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            writing(path, "begun")
            yield file
            file.flush()
            writing(path, "half", partial)
            os.fsync(file.fileno())
        writing(path, "written")
        partial.replace(path)
        writing(path, "renamed")
        _sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text by rename."""
    with atomic_write(path) as file:
        file.write(text.encode())


def write_json(path: Path, value: object) -> None:
    """Write readable JSON by rename; NaN is refused, since it is no JSON."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Read JSON; a missing, cut or foreign file is refused by name.

    Raises:
        IntegrityError: the file is absent or is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise IntegrityError(f"{path} is missing", "run `dvc repro` to make it") from error
    except ValueError as error:
        raise IntegrityError(
            f"{path} is not valid JSON: {error}", f"delete {path} and run `dvc repro`"
        ) from error


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give a new folder to fill that replaces `path` when the block ends well, and only then.

    What an earlier, killed attempt left behind is removed first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        writing(path, "begun")
        yield partial
        writing(path, "half", partial)
        for file in partial.rglob("*"):
            if file.is_file():
                with file.open("rb") as handle:
                    os.fsync(handle.fileno())
        writing(path, "written")
        if path.exists():
            shutil.rmtree(path)
            writing(path, "removed")
        partial.rename(path)
        writing(path, "renamed")
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_manifest(folder: Path) -> str:
    """Write `manifest.json`, the SHA-256 and size of every file in `folder`; return its digest.

    Written last: a folder without it is incomplete. The digest names the whole folder.
    """
    files = {
        path.relative_to(folder).as_posix(): {
            "sha256": sha256_file(path),
            "bytes": path.stat().st_size,
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    write_json(folder / MANIFEST, {"files": files})
    return sha256_json(files)


def verify_manifest(folder: Path) -> str:
    """Check every file of `folder` against its manifest and return the digest of the whole.

    Raises:
        IntegrityError: a file is missing, surplus or altered; names the file, the digest that was
            expected and the one found.
    """
    files = _listed(folder)
    present = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }
    for name in sorted(present | set(files)):
        if name not in present or name not in files:
            state = "is missing" if name in files else "is not in the manifest"
            raise IntegrityError(f"{folder / name} {state}", f"delete {folder}, run `dvc repro`")
        size, expected = (folder / name).stat().st_size, files[name]["bytes"]
        if size != expected:
            raise IntegrityError(
                f"{folder / name} was altered: expected {expected} bytes, found {size}",
                f"delete {folder} and run `dvc repro`",
            )
        found = sha256_file(folder / name)
        if found != files[name]["sha256"]:
            raise IntegrityError(
                f"{folder / name} was altered: expected sha256 {files[name]['sha256']}, "
                f"found {found}",
                f"delete {folder} and run `dvc repro`",
            )
    return sha256_json(files)


def _listed(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return what the manifest lists, once it has the shape of one."""
    listed = read_json(folder / MANIFEST)
    files = listed.get("files") if isinstance(listed, dict) else None
    if isinstance(files, dict) and all(
        isinstance(row, dict) and row.keys() == {"sha256", "bytes"} for row in files.values()
    ):
        return files
    raise IntegrityError(
        f"{folder / MANIFEST} is no manifest: expected the sha256 and the bytes of each file",
        f"delete {folder} and run `dvc repro`",
    )
