from __future__ import annotations

from typing import Any

import pytest

from loadtest.transport.recovery import Recovery


class Seen:
    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def observe(self, member: int, event: str, frame: bytes, received_ns: int) -> None:
        self.frames.append(frame)


def connected(pid: str = "p1") -> Recovery:
    recovery = Recovery()
    assert not recovery.connected({"sid": "s", "pid": pid}), "nothing was lost"
    return recovery


@pytest.mark.parametrize("answer", [{"sid": "s"}, {"sid": "s", "pid": None}, {"pid": object()}, None, "x", []])
def test_a_server_that_cannot_recover_is_asked_for_nothing_and_costs_nothing(answer: Any) -> None:
    recovery = Recovery()
    seen = Seen()
    assert not recovery.connected(answer)
    assert recovery.before(seen) is seen
    assert recovery.present({"token": "t"}) == {"token": "t"}
    assert recovery.strip(["log", "text"]) == ["log", "text"]


@pytest.mark.parametrize("offset", ["Q8OITXY", "Q8OITXY.2", "1692-0", "0_-.z"])
def test_the_offset_is_that_of_the_last_event_observed_or_decoded(offset: str) -> None:
    recovery = connected()
    seen = Seen()
    observer = recovery.before(seen)
    assert recovery.present({}) == {}, "without an offset there is nothing to go on from"
    observer.observe(1, "log", b'42["log",{"message":"x"},"before"]', 5)
    assert recovery.strip(["joined", "in the room", offset]) == ["joined", "in the room"]
    assert recovery.present({"token": "t"}) == {"pid": "p1", "offset": offset, "token": "t"}
    frame = f'42["log",{{"message":"] \\"x\\""}},"{offset}x"]'.encode()
    observer.observe(1, "log", frame, 6)
    assert recovery.offset == offset + "x"
    assert seen.frames[-1] == frame, "who observes sees what came"


def test_a_session_is_recovered_if_its_id_comes_back_and_begins_anew_if_not() -> None:
    recovery = connected()
    recovery.strip(["log", "o1"])
    assert recovery.connected({"sid": "s", "pid": "p1"})
    assert recovery.offset == "o1", "nothing may have come since"
    assert not recovery.connected({"sid": "s", "pid": "p2"})
    assert (recovery.pid, recovery.offset) == ("p2", "")


@pytest.mark.parametrize(
    "data", [["log"], ["log", {"message": "x"}], ["log", "free text, no offset"], ["log", "x" * 65], ["log", 7]]
)
def test_what_is_no_offset_stays_an_argument(data: list[Any]) -> None:
    assert connected().strip(data) == data


@pytest.mark.parametrize("frame", [b"42", b'42["log"', b"42[]", b'42["log",{"message":"x"}]', b'42["log",7]'])
def test_a_frame_without_an_offset_gives_none(frame: bytes) -> None:
    recovery = connected()
    recovery.before(Seen()).observe(1, "log", frame, 5)
    assert recovery.offset == ""


class Everything:
    """An observer that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def observe(self, *seen: Any) -> None:
        self.told.append(seen)

    def at(self, instance: str) -> Any:
        self.told.append((instance,))
        return "there"


def test_whom_it_stands_before_hears_everything_and_is_asked_where_it_looks_from() -> None:
    recovery, seen = connected(), Everything()
    recovery.before(seen).observe(7, "agentLog", b"frame", 99)
    assert recovery.at("b") == "there"
    assert seen.told == [(7, "agentLog", b"frame", 99), ("b",)]
