"""A server that takes PUT, as uploads need it."""

from __future__ import annotations

import http.server
import threading
from typing import Self


class PutServer(http.server.ThreadingHTTPServer):
    """Keeps what it gets; `Bearer wrong` gets nothing in.

    files: path -> body. authorization: the headers that came. busy: how often it says 503 before.
    """

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.files: dict[str, bytes] = {}
        self.authorization: set[str | None] = set()
        self.busy = 0
        super().__init__((address, 0), _Handler)

    def url(self, host: str = "127.0.0.1") -> str:
        """Where to put, by an address that leads here."""
        return f"http://{host}:{self.server_port}/runs"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: PutServer

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.authorization.add(self.headers["Authorization"])
        busy, self.server.busy = self.server.busy > 0, self.server.busy - 1
        if not busy and self.headers["Authorization"] != "Bearer wrong":
            self.server.files[self.path] = body
        self.send_response(503 if busy else 403 if self.headers["Authorization"] == "Bearer wrong" else 201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: pytest has enough to say."""
