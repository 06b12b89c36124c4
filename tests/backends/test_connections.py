"""Tests of which REST connections are used again, with real servers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from loadtest.backends.rest import RestClient

from ..web_server import answering

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler


@pytest.mark.parametrize(
    ("headers", "connections"),
    [({}, 1), ({"Keep-Alive": "timeout=60"}, 1), ({"Keep-Alive": "timeout=1"}, 3)],
    ids=["kept open", "kept open for long", "about to be closed"],
)
def test_a_connection_that_the_backend_is_about_to_close_is_not_used(
    headers: dict[str, str], connections: int
) -> None:
    opened: set[tuple[str, int]] = set()

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, bytes, dict[str, str]]:
        opened.add(request.client_address)
        return 200, b"{}", headers

    with answering(answer, keeps_open=True) as url:
        client = RestClient(url)
        assert client.local_address == ""
        for _ in range(3):
            assert client.send("POST", "/", body={}).status == 200
        assert client.local_address == "127.0.0.1"
        client.close()
    assert len(opened) == connections


def test_connections_beyond_those_that_are_kept_are_closed_without_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    together = threading.Barrier(4, timeout=30)

    def answer(_: BaseHTTPRequestHandler) -> tuple[int, bytes, dict[str, str]]:
        together.wait()
        return 200, b"{}", {}

    with answering(answer, keeps_open=True) as url:
        client = RestClient(url, connections=1)
        threads = [threading.Thread(target=client.send, args=("GET", "/")) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        client.close()
    assert not together.broken
    assert not caplog.records
