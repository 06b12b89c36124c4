"""Lines on packets: readable, on one line, and without a token wherever it stands."""

from __future__ import annotations

import json
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.transport.packet_text import REDACTED, describe, describe_msgpack, secrets_in, secrets_in_msgpack

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6ImExYjIifQ.dQw4w9WgXcQ-dQw4w9WgXcQ_1"
OPAQUE = "s3cr3t/of+nobody=="


@pytest.mark.parametrize(
    ("packet", "line"),
    [
        ('0{"sid":"x","upgrades":[]}', 'OPEN 26 B {"sid":"x","upgrades":[]}'),
        ("1", "CLOSE 1 B"),
        ("2", "PING 1 B"),
        ("3probe", "PONG 6 B probe"),
        ("5", "UPGRADE 1 B"),
        ("6", "NOOP 1 B"),
        ("40", "CONNECT 2 B"),
        ('40{"sid":"x"}', 'CONNECT 13 B {"sid":"x"}'),
        ("40/admin,", "CONNECT in /admin 9 B"),
        ("41", "DISCONNECT 2 B"),
        ('42["join","1-2"]', 'EVENT "join" 16 B ["1-2"]'),
        ('42["join"]', 'EVENT "join" 10 B []'),
        ('42/n,7["a, b",1, 2]', 'EVENT in /n "a, b" wants ack 7 19 B [1, 2]'),
        ('4317["ok"]', 'ACK of 17 10 B ["ok"]'),
        ('44{"message":"no"}', 'CONNECT_ERROR 18 B {"message":"no"}'),
        (
            '451-3["up",{"_placeholder":true,"num":0}]',
            'BINARY_EVENT "up" wants ack 3 + 1 attachments 41 B [{"_placeholder":true,"num":0}]',
        ),
        ("4hello", "MESSAGE, not of Socket.IO 6 B hello"),
        ("9x", "UNKNOWN 2 B x"),
        ("", "UNKNOWN 0 B"),
        ("42nonsense", "EVENT 10 B nonsense"),
        ('42["a\\nb",1]', 'EVENT "a\\nb" 12 B [1]'),
        ('42["\\ud83d",1]', 'EVENT "\\ud83d" 14 B [1]'),
        ('42["a","\u202e\x1b[2J\n"]', 'EVENT "a" 18 B ["\\u202e\\u001b[2J\\u000a"]'),
    ],
)
def test_a_packet_is_one_line(packet: str, line: str) -> None:
    assert describe(packet.encode()) == line


@pytest.mark.parametrize(
    ("packet", "line"),
    [
        (
            {"type": 2, "nsp": "/", "data": ["e", b"123", 1], "id": 4},
            'EVENT "e" wants ack 4 {} B ["<3 bytes>", 1]',
        ),
        ({"type": 3, "nsp": "/n", "data": [1], "id": 0}, "ACK in /n of 0 {} B [1]"),
        ({"type": 0, "nsp": "/", "data": {"token": OPAQUE}}, 'CONNECT {} B {"token":"<redacted>"}'),
        ({"type": 1, "nsp": "/"}, "DISCONNECT {} B"),
        ([1], "MESSAGE, not of Socket.IO {} B b'\\x91\\x01'"),
    ],
)
def test_a_packet_of_msgpack_is_one_line(packet: Any, line: str) -> None:
    data = msgpack.packb(packet)
    # `replace`, for the payload has braces of its own.
    assert describe_msgpack(data) == line.replace("{} B", f"{len(data)} B", 1)


def test_a_long_payload_is_shortened_and_its_size_is_told() -> None:
    packet = b'42["large","' + b"x" * 740_000 + b'"]'
    line = describe(packet)
    assert line.startswith(f'EVENT "large" {len(packet)} B ["xxx')
    assert line.endswith("x…")
    assert len(line) < 260
    name = describe(b'42["' + b"n" * 5000 + b'"]')
    assert len(name) < 260


@pytest.mark.parametrize(
    "packet",
    [
        f'40{{"token":"{JWT}"}}',
        f'40{{"token":"{OPAQUE}"}}',
        f'40{{"other":{{"deep":["{OPAQUE}"]}}}}',
        f'40/admin,{{"x":"{OPAQUE}"}}',
        f'44{{"message":"jwt malformed: {JWT}"}}',
        f'44{{"message":"{OPAQUE} is not known"}}',
        f'42["{JWT}",1]',
        f'42["login",{{"password":"{OPAQUE}"}}]',
        f'42["login",{{ "gitAccessToken" : "{OPAQUE}" }}]',
        f'42["x","Authorization: Bearer {OPAQUE}"]',
        f'40{{"sid":"1","pid":"{OPAQUE}"}}',
        f'0{{"cookie":"{OPAQUE}"}}',
        f"4{JWT}",
        json.dumps(JWT),
        f'40{{"token":"{JWT}',
        f'42["{"x" * 16_300}","{JWT}"]',
        # Redacted, what comes first is so short that what comes last is shown.
        f'42["a",{", ".join([json.dumps(JWT)] * 200)}]',
        f'42["a"," {JWT[:-4]}{" " * 40}{JWT} '.ljust(16_384 + 30, "y"),
    ],
)
def test_no_token_is_shown(packet: str) -> None:
    line = describe(packet.encode(), [OPAQUE])
    assert OPAQUE not in line
    assert not any(part in line for part in JWT.split("."))


def test_what_a_client_showed_is_hidden_wherever_it_comes_back() -> None:
    packet = f'40{{"token":"{OPAQUE}","more":["another one"]}}'.encode()
    assert secrets_in(packet) == [OPAQUE, "another one"]
    assert secrets_in(f'42["x","{OPAQUE}"]'.encode()) == []
    assert secrets_in(b"40{") == []
    packed = msgpack.packb({"type": 0, "nsp": "/", "data": {"token": OPAQUE}})
    assert secrets_in_msgpack(packed) == [OPAQUE]
    assert secrets_in_msgpack(b"\xc1") == []
    echoed = 'say "no" \\ äé'
    line = describe(f'42["echo",{json.dumps([echoed, "safe"])}]'.encode(), [echoed])
    assert line.endswith(f'[["{REDACTED}", "safe"]]')


def test_what_is_no_token_stays() -> None:
    line = describe(b'42["x",{"stupid":"no","key":"k","at":"2026-01-01T00:00:00.000Z","host":"a.example.org"}]')
    assert REDACTED not in line


@given(st.binary(max_size=200), st.lists(st.text(max_size=8), max_size=3))
def test_whatever_comes_is_one_printable_line(data: bytes, secrets: list[str]) -> None:
    for line in (
        *(describe(data, secrets), describe(b"42" + data, secrets), describe(b"40" + data, secrets)),
        *(describe_msgpack(data, secrets), describe_msgpack(msgpack.packb({"type": 2, "data": [data]}), secrets)),
    ):
        assert line
        assert not any(ord(character) < 32 for character in line)
        assert line.splitlines() == [line]
        line.encode()
    secrets_in(data)
    secrets_in_msgpack(data)
