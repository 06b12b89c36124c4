"""The opening handshake, without a socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.transport.handshake import HandshakeError, Response, check, parse_response, refusal, request

KEY = bytes(range(16))
ACCEPT = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {}\r\n\r\n"
# RFC 6455, section 1.3: the key and the answer that belong together there.
RFC_KEY = b"the sample nonce"
RFC_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_what_is_asked() -> None:
    assert request("example.org:8000", "/socket.io/?EIO=4", KEY, {"Cookie": "a=b", "X-One": "1"}) == (
        b"GET /socket.io/?EIO=4 HTTP/1.1\r\n"
        b"Host: example.org:8000\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n"
        b"Sec-WebSocket-Version: 13\r\n"
        b"Cookie: a=b\r\n"
        b"X-One: 1\r\n\r\n"
    )


@pytest.mark.parametrize("value", ["a\r\nInjected: yes", "a\nb", "a\rb"])
def test_a_header_cannot_bring_another_one(value: str) -> None:
    with pytest.raises(HandshakeError, match=r"^a header with a line break in it$"):
        request("h", "/", KEY, {"Cookie": value})


def test_the_answer_of_the_rfc_is_the_right_one() -> None:
    response = parse_response(ACCEPT.format(RFC_ACCEPT).encode() + b"\x81\x00")
    assert response is not None
    assert (response.status, response.rest) == (101, b"\x81\x00")
    check(response, RFC_KEY)
    with pytest.raises(HandshakeError, match="Sec-WebSocket-Accept is wrong: something between answers for it"):
        check(response, KEY)


def test_an_extension_that_nobody_offered_is_refused() -> None:
    head = ACCEPT.format(RFC_ACCEPT).replace(
        "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    )
    response = parse_response(head.encode())
    assert response is not None
    with pytest.raises(HandshakeError, match=r"^the server uses an extension that was not offered$"):
        check(response, RFC_KEY)


@given(st.integers(0, 200))
def test_any_cut_of_an_answer_is_waited_for(cut: int) -> None:
    whole = b"HTTP/1.1 400 Bad Request\r\nX-Two:  2 \r\nx-two-colons: a:b\r\nContent-Length: 2\r\n\r\nno"
    found = parse_response(whole[:cut])
    if cut < whole.index(b"\r\n\r\n") + 4:
        assert found is None
    else:
        headers = {"x-two": "2", "x-two-colons": "a:b", "content-length": "2"}
        assert found == Response(400, headers, whole[:cut].partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize(
    "data",
    [b"SSH-2.0-OpenSSH", b"HTTQ", b"HTTP/2", b"x" * 65_537, b"HTTP/1.1 abc\r\n\r\n", b"ICY 200 OK\r\n\r\n"],
)
def test_what_is_no_http(data: bytes) -> None:
    with pytest.raises(HandshakeError, match=r"^the answer is no HTTP$"):
        parse_response(data)


def test_a_head_may_be_long_but_not_endless() -> None:
    assert parse_response(b"HTTP/1.1 200 OK\r\nX: " + b"x" * (65_536 - 20)) is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "HTTP 403"),
        (b'{"code":3,"message":"Bad request"}', "HTTP 403: Bad request"),
        (b"Forbidden\n", "HTTP 403: Forbidden"),
        (b"\xff", "HTTP 403: \ufffd"),
    ],
)
def test_a_refusal_says_what_the_server_said(body: bytes, said: str) -> None:
    assert refusal(Response(403, {}, body)) == said
    with pytest.raises(HandshakeError) as caught:
        check(Response(403, {}, body), KEY)
    assert str(caught.value) == said
