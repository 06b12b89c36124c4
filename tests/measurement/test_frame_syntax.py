"""Which frames clients can parse; those that they cannot are corrupt, and each is decoded once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement import frame_syntax
from loadtest.measurement.clocks import Clock, ClockTable
from loadtest.measurement.frame_syntax import is_parsable
from loadtest.measurement.meter import Meter
from loadtest.measurement.recogniser import Kind, Recogniser

from .metering import RUN, S, counts, log_frame, member, settle, trigger

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
HEADS = st.sampled_from(["2", "42", "4217", "42/,", "42/other,3", "451-", "4512-17", "5010-"])


def recogniser() -> Recogniser:
    return Recogniser(RUN, Reader(), ClockTable(Clock(0, "")))


@given(HEADS, st.text() | st.integers(), st.lists(JSON, max_size=3), st.booleans())
def test_any_event_can_be_parsed_and_no_part_of_one(head: str, name: str, data: list[Any], ascii_: bool) -> None:
    frame = (head + json.dumps([name, *data], ensure_ascii=ascii_)).encode()
    assert is_parsable(frame)
    for end in range(len(head), len(frame)):
        assert not is_parsable(frame[:end])


@pytest.mark.parametrize(
    "frame",
    [
        b'42["n"]',
        b'42["n"] \t\r\n',
        b'42[1,"numbers are names, too"]',
        b'42["\\ud800"]',
        b'42["n",' + b"9" * 5000 + b"]",
        b'42["n",1e999,-0]',
        b'42["n",' + b"[" * 100_000 + b"]" * 100_000 + b"]",
        b'452-["n",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]',
        b'451-["n",{"_placeholder":false,"num":9}]',
        b'42["n",{"_placeholder":true,"num":9}]',
    ],
    ids=lambda frame: frame[:30].decode(),
)
def test_what_json_parse_takes(frame: bytes) -> None:
    assert is_parsable(frame)


@pytest.mark.parametrize(
    "frame",
    [
        *(b"", b"42", b'42"n"', b'42{"0":"n"}', b"42[]", b"42[null]", b"42[true]", b'42[["n"]]', b"42[{}]"),
        *(b'42["n",NaN]', b'42["n",{"x":Infinity}]', b'42["n",-Infinity]', b'42["n",undefined]', b'42["n",01]'),
        *(b'42["n",]', b'42["n"]]', b'42["n"]x', b'42["n"]\x00', b'42["n"', b'42["n",{"x":1]', b"42['n']"),
        *(b'42["n","\xff"]', b'42["n","\xed\xa0\x80"]', b'42["n","\n"]', b'42["n","\\x"]', b'42["n","\\u12"]'),
        *(b'43["n"]', b'45["n"]', b'45-["n"]', b'450-["n"]', b'421-["n"]', b'451-x["n"]', b'\xef\xbb\xbf42["n"]'),
        *(b'451-["n",{"_placeholder":true,"num":1}]', b'451-["n",{"_placeholder":true}]'),
        *(b'451-["n",{"_placeholder":true,"num":-1}]', b'451-["n",{"_placeholder":true,"num":"0"}]'),
    ],
)
def test_what_json_parse_or_the_official_parser_refuses(frame: bytes) -> None:
    assert not is_parsable(frame)


@pytest.mark.parametrize("head", ["4217", "451-", "451-17"])
def test_a_broadcast_with_an_attachment_or_an_acknowledgement_counts_like_any_other(head: str) -> None:
    meter = Meter(RUN, Reader())
    account = member(meter, 0)
    meter.learn([trigger()])
    meter.observe(account.number, contract.AGENT_LOG, head.encode() + log_frame()[1:], 10 * S)
    assert counts(settle(meter))[0] == (1, 1, 0)


@pytest.mark.parametrize(
    "broken", [lambda frame: frame[:-1], lambda frame: frame + b"]", lambda frame: b"\xff" + frame]
)
def test_a_frame_that_no_client_can_parse_is_corrupt_though_its_trace_is_whole(broken: Any) -> None:
    meter = Meter(RUN, Reader())
    account = member(meter, 0)
    meter.learn([trigger()])
    meter.observe(account.number, contract.AGENT_LOG, broken(log_frame()), 10 * S)
    totals = settle(meter)
    assert counts(totals)[0] == (1, 0, 1)
    assert totals.counters["corrupt"] == 1


@pytest.mark.parametrize("size", [100, 5_000, 1_000_000])
def test_each_different_frame_is_decoded_once_however_large(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    decoded: list[bytes] = []

    def count(frame: bytes) -> bool:
        decoded.append(frame)
        return frame_syntax.is_parsable(frame)

    monkeypatch.setattr("loadtest.measurement.recogniser.is_parsable", count)
    meter = Meter(RUN, Reader())
    accounts = [member(meter, 0) for _ in range(5)]
    frames = [log_frame(seq) + b" " * size for seq in range(3)] + [log_frame(3)[:-1] + b" " * size]
    for frame in frames:
        for account in accounts:
            meter.observe(account.number, contract.AGENT_LOG, bytes(bytearray(frame)), 10 * S)
    assert decoded == frames
    assert meter.counters["corrupt"] == len(accounts)


def test_known_frames_take_no_more_than_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.measurement.recogniser.MOST_KNOWN_BYTES", 10_000)
    known = recogniser()
    large = [log_frame(seq) + b" " * 4000 for seq in range(3)]
    for frame in large:
        assert known.recognise(contract.AGENT_LOG, frame) is known.known[frame]
    assert list(known.known) == large[2:]
    for _ in range(31):
        known.take()
    assert known.known == {}
    for frame in large[:2]:
        known.recognise(contract.AGENT_LOG, frame)
    assert list(known.known) == large[:2], "what was forgotten takes nothing"
    huge = log_frame() + b" " * 20_000
    assert known.recognise(contract.AGENT_LOG, huge).kind is Kind.DELIVERY
    assert list(known.known) == [huge], "one is always known"
