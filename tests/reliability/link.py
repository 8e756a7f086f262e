"""In: an HTTP server's address. Out: another address of it, whose line breaks when a test says so.

A request is not passed on (`before`), or it is and its answer is lost (`after`): the server has
done what it was asked, and who asked does not know. `proxy` answers as a proxy does whose server is
gone: status 502.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Final, Literal, cast

Fault = Literal["before", "after", "proxy"]
FAULTS: Final[tuple[Fault, ...]] = ("before", "after", "proxy")
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
DROPPED: Final = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})
Headers = dict[str, str]


class Link(http.server.ThreadingHTTPServer):
    """A line to a server.

    Attributes:
        url: the address on this side.
        asked: requests that came so far, health aside, as method and path.
        fault: what happens to a request, given its number from 0; None: it is passed on.
        seen: is told of every request, by its number.
    """

    daemon_threads = True

    def __init__(self, server: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        there = urllib.parse.urlsplit(server)
        self.upstream = there.netloc
        self.url = f"http://127.0.0.1:{self.server_port}{there.path}"
        self.asked: list[str] = []
        self.fault: Callable[[int], Fault | None] = lambda _: None
        self.seen: Callable[[int], None] = lambda _: None

    def breaks_once(self, number: int, how: Fault) -> None:
        """Break at the request of that number from now on, and at no other."""
        self.asked.clear()
        self.fault = lambda place: how if place == number else None

    def breaks(self, how: Fault) -> None:
        """Break at every request from now on."""
        self.fault = lambda _: how

    def mends(self) -> None:
        """Break no more."""
        self.fault = lambda _: None

    def faulty(self, method: str, path: str) -> Fault | None:
        """Note a request, and return what happens to it; looking at the health does not count."""
        if path.endswith("/health"):
            return self.fault(-1)
        self.asked.append(f"{method} {urllib.parse.urlsplit(path).path}")
        place = len(self.asked) - 1
        self.seen(place)
        return self.fault(place)


class Handler(http.server.BaseHTTPRequestHandler):
    """Passes one request on."""

    def answer(self) -> None:
        """Pass it on, unless the line breaks."""
        link = cast(Link, self.server)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        how = link.faulty(self.command, self.path)
        if how == "proxy":
            return self.send_error(502)
        found = None if how == "before" else self.passed_on(link.upstream, body)
        if found is None or how == "after":
            self.close_connection = True
            return self.connection.close()
        status, headers, content = found
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        return None

    def passed_on(self, upstream: str, body: bytes) -> tuple[int, Headers, bytes] | None:
        """Return status, headers and content of the server's answer; None when there is none."""
        connection = http.client.HTTPConnection(upstream, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in DROPPED}
        try:
            connection.request(self.command, self.path, body, headers | {"Host": upstream})
            found = connection.getresponse()
            kept = {k: v for k, v in found.getheaders() if k.lower() not in DROPPED}
            return found.status, kept, found.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


for _method in METHODS:
    setattr(Handler, f"do_{_method}", Handler.answer)


@contextlib.contextmanager
def link_to(server: str) -> Iterator[Link]:
    """Give a line to the HTTP server at an address."""
    with Link(server) as link:
        thread = threading.Thread(target=link.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield link
        finally:
            link.shutdown()
            thread.join()
