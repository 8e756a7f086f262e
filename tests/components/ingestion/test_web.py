"""In: a small web server. Out: the pinned files, or errors; nothing secret is told."""

from __future__ import annotations

import base64
import hashlib
import http.server
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from components.errors import Away, DataError, ParamsError
from components.ingestion import web
from components.ingestion.source import open_source
from components.records import read_card, read_examples
from tests.components.ingestion.conftest import make_params
from tests.components.ingestion.serving import serving
from tests.components.ingestion.test_ingest import toy_csv

CSV = toy_csv(60).encode()
Ingest = Callable[..., Path]


FILES = {"/a.csv": CSV, "/bad.csv": b"body,intent\nx\n", "/a.xlsx": CSV, "/f": CSV}
ASKED: list[tuple[str, str, str | None]] = []


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves a CSV in several moods."""

    def do_GET(self) -> None:
        ASKED.append((self.command, self.path, self.headers.get("Authorization")))
        path = self.path.partition("?")[0]
        if path == "/moved":
            self.answer(302, b"", Location="/a.csv")
        elif path == "/cut.csv":
            self.answer(200, CSV[:20], **{"Content-Length": str(len(CSV))})
        elif path == "/endless.csv":
            self.answer(200, CSV, **{"Content-Length": ""})
        elif path == "/busy":
            self.answer(503, b"")
        elif path == "/locked.csv" and not self.headers.get("Authorization"):
            self.answer(401, b"")
        elif path == "/silent.csv" and self.command == "HEAD":
            self.answer(405, b"")
        elif path in FILES or path in ("/locked.csv", "/silent.csv"):
            self.answer(200, FILES.get(path, CSV), ETag='"v1"')
        else:
            self.answer(404, b"")

    do_HEAD = do_GET  # noqa: N815 - as the server calls it

    def answer(self, code: int, body: bytes, **headers: str) -> None:
        self.send_response(code)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with serving(Handler) as address:
        yield address


def pinned(url: str, content: bytes = CSV) -> str:
    return f"{url}#sha256={hashlib.sha256(content).hexdigest()}"


def test_a_pinned_file_is_read_as_one_in_the_folder(host: str, run_ingest: Ingest) -> None:
    name = pinned(f"{host}/moved")
    raw = run_ingest({"b.csv": CSV.decode()}, source=name, format="csv")
    card = read_card(raw)
    assert card["rows"] == 60
    assert card["source_sha256"] == {name: hashlib.sha256(CSV).hexdigest()}
    texts = [row["text"] for row in read_examples(raw, "test")]
    assert texts == [
        row["text"] for row in read_examples(run_ingest({"b.csv": toy_csv(60)}), "test")
    ]


def test_rows_keep_their_ids_when_the_file_is_pinned_anew(host: str, run_ingest: Ingest) -> None:
    ids = []
    for rows in (60, 90):
        FILES["/grown.csv"] = toy_csv(rows).encode()
        raw = run_ingest({}, source=pinned(f"{host}/grown.csv", FILES["/grown.csv"]))
        ids.append({row["id"] for row in read_examples(raw, "train")})
    assert ids[0] < ids[1]


def test_another_file_than_the_pinned_one_is_never_read(host: str, run_ingest: Ingest) -> None:
    with pytest.raises(
        DataError, match=r"a\.csv is not the file .*: expected sha256 .*, found"
    ) as e:
        run_ingest({}, source=pinned(f"{host}/a.csv", b"other"))
    assert hashlib.sha256(CSV).hexdigest() in e.value.what
    assert "#sha256=" in e.value.cure


@pytest.mark.parametrize(
    ("path", "content", "error", "message"),
    [
        ("/none.csv", CSV, DataError, r"none\.csv: answered 404"),
        ("/locked.csv", CSV, DataError, r"locked\.csv: answered 401"),
        ("/busy", CSV, Away, r"busy: answered 503"),
        ("/cut.csv", CSV, Away, r"cut\.csv: 20 bytes came of \d+"),
        ("/bad.csv", FILES["/bad.csv"], DataError, r"^http://.*/bad\.csv, line 2: 1 cell"),
        ("/a.xlsx", CSV, DataError, r"^http://.*/a\.xlsx: files ending in '\.xlsx'"),
        ("/né e.csv?a=ü", CSV, DataError, r"e\.csv\?a=ü: answered 404"),
        ("/f", CSV, DataError, r"^http://.*/f: files ending in ''"),
    ],
)
def test_faults_are_told_with_the_address(
    host: str, tmp_path: Path, path: str, content: bytes, error: type[Exception], message: str
) -> None:
    name = pinned(host + path, content)
    columns = ("body", "intent")
    with (
        pytest.raises(error, match=message) as caught,
        open_source(make_params(name), tmp_path, name, columns) as opened,
    ):
        list(opened.records)
    assert not list(tmp_path.iterdir())
    assert "/tmp" not in str(caught.value)


def test_a_server_that_is_not_there_is_away(tmp_path: Path) -> None:
    with pytest.raises(Away, match=r"127\.0\.0\.1:9/a\.csv: .*refused"):
        web.fetch(pinned("http://127.0.0.1:9/a.csv"), tmp_path)
    with pytest.raises(Away, match="refused"):
        web.facts(pinned("http://127.0.0.1:9/a.csv"))


@pytest.mark.parametrize("host", ["127.0.0.1:port", "a\u2024..b"])
def test_addresses_that_cannot_be_asked_are_told(host: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no address that can be asked"):
        web.fetch(pinned(f"http://{host}/a.csv"), tmp_path)


@pytest.mark.parametrize("path", ["/a.csv", "/endless.csv"])
def test_a_file_that_is_too_large_is_refused_on_its_way(
    host: str, tmp_path: Path, path: str
) -> None:
    with pytest.raises(DataError, match=r"larger than 10 bytes"):
        web.fetch(pinned(host + path), tmp_path, most=10)


def test_secrets_come_from_the_environment_and_are_not_told(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = pinned(host.replace("//", "//me:${WEB_KEY}@") + "/locked.csv?token=${WEB_TOKEN}")
    with pytest.raises(ParamsError, match="the environment has no WEB_TOKEN"):
        web.fetch(name, tmp_path)
    monkeypatch.setenv("WEB_KEY", "p@ss/word")
    monkeypatch.setenv("WEB_TOKEN", "a&b")
    assert web.fetch(name, tmp_path).read_bytes() == CSV
    _, path, header = ASKED[-1]
    assert path.endswith("?token=a%26b")
    assert header == "Basic " + base64.b64encode(b"me:p@ss/word").decode()
    away = pinned("http://me:${WEB_KEY}@127.0.0.1:9/a.csv?token=${WEB_TOKEN}")
    with pytest.raises(Away) as caught:
        web.fetch(away, tmp_path)
    assert "p@ss" not in str(caught.value)
    assert "a&b" not in str(caught.value)


def test_what_opens_a_file_does_not_follow_a_redirect(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_KEY", "secret")
    web.fetch(pinned(host.replace("//", "//me:${WEB_KEY}@") + "/moved"), tmp_path)
    assert [header is None for _, _, header in ASKED[-2:]] == [False, True]


def test_redirects_from_https_to_http_are_refused() -> None:
    import urllib.error
    import urllib.request

    request = urllib.request.Request("https://example.org/a.csv")
    arguments: tuple[Any, ...] = (None, 302, "", None, "http://example.org/a.csv")
    with pytest.raises(urllib.error.URLError, match="from https to an address that is not"):
        web._Guarded().redirect_request(request, *arguments)


def test_facts_are_the_pin_and_the_etag_where_there_is_one(host: str) -> None:
    pin = hashlib.sha256(CSV).hexdigest()
    assert web.facts(pinned(f"{host}/a.csv")) == {"sha256": pin, "etag": '"v1"'}
    assert web.facts(pinned(f"{host}/silent.csv")) == {"sha256": pin, "etag": None}
    with pytest.raises(DataError, match="answered 404"):
        web.facts(pinned(f"{host}/none.csv"))
