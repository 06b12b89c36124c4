"""Whose packets the command line asks for, and where their lines go."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from locust.log import LogReader

from loadtest.clients.debug_clients import ANYBODY, LOGGER, packet_log
from loadtest.errors import Fault
from loadtest.run.worker import debug_log
from loadtest.users.publisher import Publisher
from loadtest.users.viewer import Viewer

from .parsed import parse

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """The packets' logger, as it was afterwards."""
    kept = (LOGGER.handlers[:], LOGGER.propagate, LOGGER.level)
    yield LOGGER
    LOGGER.handlers, LOGGER.propagate = kept[:2]
    LOGGER.setLevel(kept[2])


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ((), {}),
        (("--loglevel", "DEBUG"), {ANYBODY: 1}),
        (("-L", "debug"), {ANYBODY: 1}),
        (("--loglevel", "DEBUG", "--debug-clients", "0"), {}),
        (("--debug-clients", "3"), {ANYBODY: 3}),
        (("--debug-clients", "Viewer=2,Intruder"), {"Viewer": 2, "Intruder": 1}),
    ],
)
def test_what_the_command_line_asks_for(arguments: tuple[str, ...], numbers: dict[str, int]) -> None:
    assert debug_log.clients_of(parse(*arguments)) == numbers


@pytest.mark.parametrize("wrong", ["-1", "Viewer=x", "Viewer=0"])
def test_what_is_no_number_is_refused(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(f"--debug-clients={wrong}")
    assert "argument --debug-clients" in capsys.readouterr().err


def test_users_that_hold_no_connection_or_are_not_there_are_refused() -> None:
    debug_log.check([Viewer, Publisher], parse("--debug-clients", "Viewer=1"))
    debug_log.check([Viewer, Publisher], parse("--debug-clients", "2"))
    for wrong in ("Publisher", "Churner=2"):
        with pytest.raises(Fault, match=f"got '{wrong.partition('=')[0]}'.*There are Viewer; a number alone"):
            debug_log.check([Viewer, Publisher], parse("--debug-clients", wrong))


def test_packets_are_shown_and_not_sent_to_the_master(logger: logging.Logger) -> None:
    reader, shown = LogReader(), LogReader.__bases__[0]()
    lines: list[str] = []
    shown.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    root = logging.getLogger()
    root.handlers += [reader, shown]
    try:
        debug_log.show_packets()
        packet_log("Viewer 1").note("hello")
    finally:
        root.handlers.remove(reader)
        root.handlers.remove(shown)
    assert [line.partition(" ")[2] for line in lines] == ["Viewer 1 -- hello"]
    assert not reader.logs
