"""A web server that answers what a test wants, in a thread."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def web_server(answer: Callable[[str, str], tuple[int, bytes]]) -> Iterator[str]:
    """One for as long as it is wanted; its URL.

    :param answer: (method, path) -> status and body.
    """

    with answering(lambda request: (*answer(request.command, request.path), {})) as url:
        yield url


@contextmanager
def answering(
    answer: Callable[[http.server.BaseHTTPRequestHandler], tuple[int, bytes, dict[str, str]]],
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    keeps_open: bool = False,
) -> Iterator[str]:
    """Run a server whose answers depend on the whole request; yield its URL.

    :param answer: request -> status, body and further headers.
    :param port: 0 for any.
    :param keeps_open: whether a connection takes more than one request.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if keeps_open else "HTTP/1.0"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body, headers = answer(self)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: pytest has enough to say."""

    server = http.server.ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
