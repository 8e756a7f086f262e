"""In: the address of a file on the web, with its checksum. Out: that file here, byte for byte."""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from components.addresses import filled, hidden
from components.errors import Away, DataError
from components.files import CHUNK

MOST_BYTES: Final = 8 << 30
# Seconds without a byte, and for the whole file.
SILENCE: Final = 30.0
PATIENCE: Final = 3600.0
SERVER_ERROR: Final = 500
# What may stand in an address, and the signs of a variable.
KEPT: Final = "%/:?#[]@!$&'()*+,;={}"
NOT_OFFERED: Final = (405, 501)


class _Guarded(urllib.request.HTTPRedirectHandler):
    """Follows no redirect from https to where anybody on the way can read and write."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the request that follows, as urllib makes it."""
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise urllib.error.URLError("it leads from https to an address that is not")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(name: str, folder: Path, most: int = MOST_BYTES) -> Path:
    """Return the file, once its SHA-256 is the one that stands after `#sha256=`.

    Args:
        name: the source, as params.yaml has it.
        folder: where the file is put, with its own suffix.
        most: bytes; a larger file is refused.

    Raises:
        DataError: it is not there, too large, or another one than the checksum names.
        Away: the server does not answer, or stops in the middle.
    """
    shown = name.partition("#")[0]
    path = folder / f"file{PurePosixPath(unquote(urlsplit(name).path)).suffix}"
    digest, done, end = hashlib.sha256(), 0, time.monotonic() + PATIENCE
    with _answer(name, "GET") as answer, path.open("wb") as file:
        told = answer.headers.get("Content-Length") or ""
        size = int(told) if told.isdecimal() else None
        while max(size or 0, done) <= most and (chunk := answer.read(CHUNK)):
            done += len(chunk)
            digest.update(chunk)
            file.write(chunk)
            if time.monotonic() > end:
                raise Away(f"{shown}: took longer than {PATIENCE:.0f} s", "run again later")
    if max(size or 0, done) > most:
        raise DataError(
            f"{shown}: larger than {most} bytes", "put the file into ingestion.folder by hand"
        )
    if size not in (None, done):
        raise Away(f"{shown}: {done} bytes came of {size}", "run the same command again")
    expected = name.rpartition("=")[2]
    if (found := digest.hexdigest()) != expected:
        raise DataError(
            f"{shown} is not the file that the checksum names: expected sha256 {expected}, found "
            f"{found} ({done} bytes)",
            "if you trust the file that is there now, write its checksum after #sha256=",
        )
    return path


def facts(name: str) -> dict[str, str | None]:
    """Return what tells that the file changed: the checksum it must have, and its ETag.

    Raises:
        DataError: it is not there.
        Away: the server does not answer.
    """
    etag = None
    with contextlib.suppress(_NotOffered), _answer(name, "HEAD") as answer:
        etag = answer.headers.get("ETag")
    return {"sha256": name.rpartition("=")[2], "etag": etag}


class _NotOffered(Exception):  # noqa: N818 - no error: many servers give files and nothing else
    """The server does not answer HEAD."""


@contextlib.contextmanager
def _answer(name: str, method: str) -> Iterator[http.client.HTTPResponse]:
    shown = name.partition("#")[0]
    url, headers = _request(name)
    request = urllib.request.Request(url, method=method, headers={"Accept-Encoding": "identity"})
    for key, value in headers.items():
        # A redirect may lead to another host, which must not get what opens this one.
        request.add_unredirected_header(key, value)
    try:
        with urllib.request.build_opener(_Guarded).open(request, timeout=SILENCE) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        error.close()
        if method == "HEAD" and error.code in NOT_OFFERED:
            raise _NotOffered from error
        if error.code >= SERVER_ERROR:
            raise Away(
                f"{shown}: answered {error.code} {error.reason}", "run again later"
            ) from None
        raise DataError(
            f"{shown}: answered {error.code} {error.reason}",
            "correct the address, or what opens it, in the ingestion section",
        ) from None
    except (ValueError, http.client.InvalidURL):
        # The error would quote what may hold a secret.
        raise DataError(f"{shown}: is no address that can be asked", "correct it") from None
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        reason = hidden(str(getattr(error, "reason", error)), name)
        raise Away(f"{shown}: {reason}", "check the address and the network, run again") from None


def _request(name: str) -> tuple[str, Mapping[str, str]]:
    """Return the URL with what the environment holds, and the header that opens it."""
    parts = urlsplit(name)
    # What is quoted already stays so; other signs than ASCII's must be.
    query = filled(quote(parts.query, safe=KEPT), lambda value: quote(value, safe=""))
    path = filled(quote(parts.path, safe=KEPT), quote)
    user, at, host = parts.netloc.rpartition("@")
    url = urlunsplit((parts.scheme, filled(host), path, query, ""))
    if not at:
        return url, {}
    token = base64.b64encode(filled(unquote(user)).encode()).decode()
    return url, {"Authorization": f"Basic {token}"}
