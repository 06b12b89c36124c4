"""A reader that fails: each arrival counts, the first error of each kind is one line, and nothing else stops."""

from __future__ import annotations

from typing import Any

import pytest

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.evidence import evidence_at_the_end
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.meter import Meter
from loadtest.measurement.presence import Counts
from loadtest.measurement.reading import Unreadable, read
from loadtest.measurement.report import Totals
from loadtest.measurement.sighting import Corrupt, FrameReader, Keyed, Sighting, Traced, Untraced
from loadtest.measurement.trace import Trace

from .metering import ACCEPTED, RUN, S, counts, log_frame, member, settle, status_frame, task_of, trigger


class Bad(Reader):
    """Answers with what it is given, or raises it."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def read(self, event: str, frame: bytes) -> Sighting:
        if isinstance(self._answer, BaseException):
            raise self._answer
        found: Sighting = self._answer
        return found


class _Unprintable(Exception):
    def __repr__(self) -> str:
        raise RuntimeError


TRACE = Trace(RUN, 0, 1, 0, 10 * S)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (KeyError("x"), "raised KeyError('x') for the frame"),
        (ZeroDivisionError(), "raised ZeroDivisionError() for the frame"),
        (ValueError("two\nlines " + "x" * 999), "raised ValueError('two"),
        (_Unprintable(), "raised <_Unprintable whose repr raised RuntimeError>"),
        (None, "returned None for the frame"),
        ((1, "id"), "returned (1, 'id') for the frame"),
        ("id", "expected Traced, Keyed, Untraced or Corrupt"),
        (Keyed, "expected Traced, Keyed, Untraced or Corrupt"),
        (Keyed(3, "id"), "expected a slot from 0 to 2"),
        (Keyed(-1, "id"), "expected a slot from 0 to 2"),
        (Keyed("1", "id"), "expected a slot from 0 to 2"),  # type: ignore[arg-type]
        (Keyed(True, "id"), "expected a slot from 0 to 2"),
        (Keyed(1, b"id"), "returned Keyed(slot=1, key=b'id', source=None)"),  # type: ignore[arg-type]
        (Keyed(1, 7), "expected the key as a text"),  # type: ignore[arg-type]
        (Keyed(1, ""), "expected the key as a text that is not empty"),
        (Traced(7, TRACE), "expected a slot from 0 to 2"),
        (Traced(0, None), "expected a trace as loadtest.measurement.trace.find returns it"),  # type: ignore[arg-type]
        (Traced(0, TRACE._replace(seq="1")), "expected a trace"),  # type: ignore[arg-type]
        (Traced(0, TRACE._replace(room=-1)), "expected a trace"),
        (Untraced(None), "expected the step as a text"),  # type: ignore[arg-type]
        (Untraced("x", b"a"), "expected the source as a text, or None"),  # type: ignore[arg-type]
        (Keyed(1, "id", 7), "expected the source as a text, or None"),  # type: ignore[arg-type]
    ],
)
def test_what_a_reader_does_wrong_is_one_short_line(answer: Any, words: str) -> None:
    found = read(Bad(answer), "agentLog", b'42["agentLog",{"message":"' + "\N{SNOWMAN}".encode() * 999 + b'"}]')
    assert isinstance(found, Unreadable)
    assert words in found.what
    assert "42[" in found.what
    assert "\n" not in found.what
    assert len(found.what) < 400


@pytest.mark.parametrize("answer", [Keyed(2, "id"), Traced(0, TRACE), Untraced("x"), Corrupt()])
def test_a_right_answer_is_passed_on(answer: Sighting) -> None:
    assert read(Bad(answer), "agentLog", b"") is answer


def test_each_arrival_counts_and_each_kind_is_told_once() -> None:
    meter = Meter(RUN, Bad(KeyError("x")), adapter="mine")
    accounts = [member(meter, 0) for _ in range(3)]
    meter.trigger_answered(trigger(), None)
    for seq in range(2):
        for account in accounts:
            meter.observe(account.number, contract.AGENT_LOG, log_frame(seq), 10 * S)
    totals = settle(meter)
    assert (totals.counters["unreadable"], totals.counters["adapter_errors"]) == (6, 2)
    assert counts(totals)[ACCEPTED] == (3, 0, 3)
    (line,) = totals.failures
    assert line.startswith("adapter mine: `read` raised KeyError('x') for the frame '")
    assert totals.failures[line] == 2


def test_a_meter_without_an_adapter_s_name_takes_the_reader_s_module() -> None:
    meter = Meter(RUN, Bad(None))
    meter.observe(member(meter, 0).number, contract.AGENT_LOG, log_frame(), 10 * S)
    assert next(iter(settle(meter).failures)).startswith(f"adapter {__name__}: ")


def test_other_reasons_never_crowd_an_adapter_s_out() -> None:
    meter = Meter(RUN, Bad(None))
    for number in range(200):
        meter.join_failed(f"join: {number}")
    assert meter.adapter_failed("read x", "adapter a: x", 3) == "adapter a: x"
    assert meter.adapter_failed("read x", "adapter a: y") == "adapter a: x"
    assert meter.failures["adapter a: x"] == 4


def totals_with(reader: FrameReader, answered: list[str], heard: list[str]) -> Totals:
    """The totals of one member who hears updates of these tasks."""
    meter = Meter(RUN, reader)
    account = member(meter, 0)
    for seq, key in enumerate(answered):
        meter.trigger_answered(trigger(seq, key=key), None)
    for key in heard:
        meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("FAILED", key), 10 * S)
    return Totals.from_message(settle(meter).to_message())


def test_ids_in_broadcasts_and_in_answers_that_never_met() -> None:
    totals = totals_with(Reader(), ["a", "b"], [task_of(1), task_of(2)])
    # Two deliveries of each trigger are lost. A third is due when its work is done, and that time is unknown.
    assert totals.keys == (2, 0, 2, 4, task_of(1), "a")
    assert (totals.counters["unmatched"], totals.counters["foreign"]) == (2, 2)


def test_ids_that_partly_met() -> None:
    totals = totals_with(Reader(), [task_of(0), "b"], [task_of(0), task_of(2), task_of(0)])
    assert totals.keys == (2, 1, 1, 2, task_of(2), "b")


def test_ids_that_met_before_their_trigger_was_known_match() -> None:
    meter = Meter(RUN, Reader())
    account = member(meter, 0)
    meter.observe(account.number, contract.TASK_STATUS_UPDATE, status_frame("FAILED"), 10 * S)
    meter.at("another instance")
    meter.trigger_answered(trigger(), None)
    assert settle(meter).keys[:2] == (1, 1)


def test_another_run_s_traces_are_no_id_that_does_not_match() -> None:
    meter = Meter(RUN, Reader())
    meter.observe(member(meter, 0).number, contract.AGENT_LOG, log_frame(run="ffffffff"), 10 * S)
    totals = settle(meter)
    assert totals.counters["foreign"] == 1
    assert "unmatched" not in totals.counters


def test_the_verdict_names_the_adapter_of_the_run() -> None:
    fleet = Fleet()
    fleet.finish("w", totals_with(Reader(), ["a"], [task_of(1)]))
    found = evidence_at_the_end(
        fleet,
        Counts(expected=3, lost=3),
        cpu_warning=False,
        interrupted=False,
        users={"Viewer": 1, "MyPublisher": 2},
        options={"backend": "mine", "publishers": 2},
    )
    assert (found.adapter, found.publishers, found.publishers_started) == ("mine", 2, True)
    assert found.keys.in_answer == "a"
