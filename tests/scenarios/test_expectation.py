"""What a backend has to be able to do: the list, its errors, and the fault that fails each line of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.reference_backend.breakages import Breakage
from loadtest.backends.endpoint import Endpoint
from loadtest.backends.plan import Cast
from loadtest.backends.prometheus.rows import Rows
from loadtest.backends.tokens import bad_tokens
from loadtest.errors import Fault
from loadtest.measurement import expectations
from loadtest.measurement.expectations import Result
from loadtest.scenarios import capabilities as can
from loadtest.scenarios.capabilities import Answer
from loadtest.scenarios.expectation import PROFILES, parse, read
from loadtest.scenarios.probe import Probe

from ..support import start_backend
from .abilities import LACKING, able
from .company import MINT, cast_of, room_of

if TYPE_CHECKING:
    from loadtest.backends.prometheus.rows import OwnedRoom
    from loadtest.scenarios.capabilities import Capabilities

    from ..support import Backend

FAILS: dict[Breakage, set[str]] = {
    Breakage.TAKES_BAD_TOKENS: {can.TOKEN_CHECK, can.TOKEN_EXPIRY},
    Breakage.TAKES_EXPIRED: {can.TOKEN_EXPIRY},
    Breakage.REFUSES_GUESTS: {can.GUESTS},
    Breakage.OPENS_FOREIGN_ROOMS: {can.OWN_ROOMS},
    Breakage.OPENS_ROOMS_TO_GUESTS: {can.GUEST_ROOMS, can.NAMELESS},
    Breakage.OPENS_ROOMS_TO_NOBODY: {can.NAMELESS},
    Breakage.OPENS_UNKNOWN_ROOMS: {can.ROOM_IDS},
    Breakage.REST_BELIEVES: {can.REST_TOKENS, can.REST_EXPIRY},
    Breakage.REST_TAKES_EXPIRED: {can.REST_EXPIRY},
    Breakage.NO_ACKS: {can.ACKS},
    Breakage.LEAVES_SILENTLY: {can.LEAVE},
    Breakage.SILENT_PATCH: {can.PATCH},
    Breakage.NO_POLLING: {can.POLLING, can.UPGRADE},
}
"""Fault of the documented backend, on before the probe -> the expected capabilities that fail, and no others."""
WITHOUT_FAULT = {can.PING, can.RUN, can.MEMORY, can.WEBSOCKET}
"""Of `documented`, tested otherwise: as built lacks the first two; `backend/test_metrics.py` has the memory."""


def results(capabilities: Capabilities, profile: str) -> dict[str, str]:
    wanted = read(profile)
    found = expectations.judge(wanted.source, wanted.capabilities, capabilities.to_message(), can.REMEDIES)
    return {row["capability"]: row["outcome"] for row in found["capabilities"]}


def failed(capabilities: Capabilities, profile: str = "documented") -> set[str]:
    return {name for name, result in results(capabilities, profile).items() if result == Result.FAILED}


def asked(backend: Backend, rooms: list[OwnedRoom]) -> Capabilities:
    mine, foreign = map(room_of, rooms)
    return Probe(Endpoint(backend.url), mine, cast_of(mine, foreign)).ask()


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_lists_all_that_its_backend_can_do(profile: str) -> None:
    assert set(read(profile).capabilities) == set(can.QUESTIONS) - LACKING[profile]
    assert failed(able(*LACKING[profile]), profile) == set()
    assert failed(able(*LACKING[profile])) == LACKING[profile] - LACKING["documented"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("built", "more"),
    [("deployed", ["--throttle-limit", "0"]), ("as-built", []), ("documented", ["--throttle-limit", "5"])],
    ids=["deployed", "as-built, throttled", "documented, throttled"],
)
def test_a_right_backend_passes_its_own_profile(built: str, more: list[str]) -> None:
    backend = start_backend(built, *more)
    try:
        with Rows(backend.database_url, "own-profile") as rows:
            found = results(asked(backend, rows.create_rooms(2)), built)
    finally:
        backend.stop()
    skipped = {name for name, result in found.items() if result == Result.SKIPPED}
    assert set(found.values()) <= {Result.PASSED, Result.SKIPPED}
    # A throttled backend is not asked what takes the requests that the run needs.
    assert skipped == ({can.PATCH, can.RUN} if built == "documented" else set())


def test_every_expected_capability_has_its_fault() -> None:
    assert set().union(*FAILS.values()) == set(read("documented").capabilities) - WITHOUT_FAULT


@pytest.mark.parametrize("breakage", FAILS)
def test_a_wrong_backend_fails_just_what_it_does_wrong(breakable: Backend, breakage: Breakage) -> None:
    breakable.breaks(breakage)
    try:
        with Rows(breakable.database_url, f"expect-{time.time_ns()}") as rows:
            found = asked(breakable, rows.create_rooms(2))
            rows.remove()
    finally:
        breakable.breaks()
    assert failed(found) == FAILS[breakage]
    assert all(found.answers[name].evidence and can.REMEDIES[name] for name in FAILS[breakage])


@pytest.mark.parametrize("breakages", [(), (Breakage.NO_WEBSOCKET,)], ids=["offered", "not offered"])
def test_websocket_is_asked_by_a_connection_where_the_run_polls(
    breakable: Backend, breakages: tuple[Breakage, ...]
) -> None:
    breakable.breaks(*breakages)
    try:
        with Rows(breakable.database_url, f"expect-{time.time_ns()}") as rows:
            room = room_of(rows.create_rooms(1)[0])
            found = Probe(Endpoint(breakable.url, transport="polling"), room, Cast())._websocket()
            rows.remove()
    finally:
        breakable.breaks()
    assert (found.yes, found.to_find_out) == (not breakages, "")


def test_what_the_probe_has_no_means_for_is_skipped(breakable: Backend) -> None:
    """Even where the backend is wrong: without a second user, nobody sees that rooms are open to every user."""
    breakable.breaks(Breakage.OPENS_FOREIGN_ROOMS)
    try:
        with Rows(breakable.database_url, "no-means") as rows:
            room = room_of(rows.create_rooms(1)[0])
            cast = Cast(None, bad_tokens(room.token, None, int(time.time())))
            found = Probe(Endpoint(breakable.url), room, cast).ask()
            rows.remove()
    finally:
        breakable.breaks()
    skipped = {name for name, result in results(found, "documented").items() if result == Result.SKIPPED}
    assert failed(found) == set()
    assert skipped == {can.OWN_ROOMS, can.TOKEN_EXPIRY, can.NAMELESS, can.REST_EXPIRY}
    assert "--jwt-secret" in found.answers[can.TOKEN_EXPIRY].to_find_out
    assert "--accounts-file" in found.answers[can.OWN_ROOMS].to_find_out


def test_a_guest_in_a_room_shows_without_a_second_user_that_rooms_are_open(breakable: Backend) -> None:
    breakable.breaks(Breakage.OPENS_ROOMS_TO_GUESTS)
    try:
        with Rows(breakable.database_url, "guest") as rows:
            room = room_of(rows.create_rooms(1)[0])
            found = Probe(Endpoint(breakable.url), room, cast_of(room, None)).ask()
            rows.remove()
    finally:
        breakable.breaks()
    assert failed(found) == {can.OWN_ROOMS, can.GUEST_ROOMS, can.NAMELESS}
    assert MINT.key not in str(found.to_message())


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Answer(True, "seen"), Result.PASSED),
        (Answer(False, "seen"), Result.FAILED),
        (Answer(None, "no task could be made: 500"), Result.FAILED),
        (Answer(None, "no key", "Give --jwt-secret."), Result.SKIPPED),
        (Answer(True, "a guest was refused", "Give a second user."), Result.SKIPPED),
        (Answer(False, "a guest was let in", "Give a second user."), Result.FAILED),
    ],
)
def test_results(answer: Answer, result: Result) -> None:
    assert expectations.result_of(answer.yes, answer.to_find_out) is result


def test_what_is_there_and_not_expected_is_said_and_not_failed() -> None:
    answers = able(can.ACKS).to_message()
    found = expectations.judge("mine.txt", [can.PING], answers, can.REMEDIES)
    assert {row["capability"] for row in found["not_expected"]} == set(can.QUESTIONS) - {can.PING, can.ACKS}
    said = expectations.lines({"expectations": found})
    assert said[0] == "Capabilities expected by mine.txt: 1 of 1 passed"
    assert said[1].startswith("Not expected, and there: token check, ")
    assert len(said) == 2


def test_a_file_has_one_capability_per_line() -> None:
    text = "# mine\r\n\r\n  ping  # and pong\r\nrooms are their owners'\r\n"
    assert parse(text, "mine.txt").capabilities == (can.PING, can.OWN_ROOMS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "ping\nack\n",
            "mine.txt, line 2: expected a capability, got 'ack' (fault of the command line). Write 'acks'",
        ),
        ("Ping", "line 1: expected a capability, got 'Ping' (fault of the command line). Write 'ping'"),
        (
            "telepathy",
            "expected a capability, got 'telepathy' (fault of the command line). Write one of: token check,",
        ),
        ("ping, acks", "line 1: expected a capability, got 'ping, acks'"),
        ("ping\n\nping\n", "line 3: expected each capability once, got 'ping' as in line 1"),
        (
            "",
            "mine.txt: expected at least one capability, got none (fault of the command line). Write one per line",
        ),
        ("# nothing\n", "expected at least one capability, got none"),
    ],
)
def test_a_wrong_file_is_one_line(text: str, said: str) -> None:
    with pytest.raises(Fault) as raised:
        parse(text, "mine.txt")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for source, reason in (("documentd", "No such file"), (str(tmp_path), "Is a directory")):
        with pytest.raises(Fault, match=f"expected documented, as-built, deployed or a file, got .*: {reason}"):
            read(source)
    odd = tmp_path / "odd.txt"
    odd.write_bytes(b"\xff\xfep\x00")
    with pytest.raises(Fault, match="it is not UTF-8 text"):
        read(str(odd))
    odd.write_bytes("\ufeffping\n".encode())
    assert read(str(odd)).capabilities == (can.PING,), "as Windows editors write it"
