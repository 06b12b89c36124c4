"""Official clients among the members: counted like everybody, timed apart."""

from __future__ import annotations

from dataclasses import asdict, astuple
from typing import TYPE_CHECKING, Any

import pytest

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.canaries import CANARY, Canaries, Outcome, State, hold, outcomes, title_of
from loadtest.measurement.fleet import FAN_OUT, Fleet
from loadtest.measurement.gathering import Gathering
from loadtest.measurement.latency import new_histogram, summarise
from loadtest.measurement.meter import Meter
from loadtest.measurement.presence import Counts
from loadtest.measurement.report import Totals, WorkerReport

from .metering import ACCEPTED, FAILED, FLIGHT_NS, RUN, S, log_frame, member, settle, status_frame, trigger

if TYPE_CHECKING:
    from loadtest.measurement.account import Account


def judged(state: State, counts: Counts, unsupported: dict[str, str] | None = None) -> dict[str, Any]:
    (row,) = outcomes([["node-2", *astuple(state), *astuple(counts)]], {}, unsupported or {})
    return row


THERE = State("socket.io-client 4", joined=True, transport="polling", parser="msgpack")


@pytest.mark.parametrize(
    ("state", "counts", "outcome", "said"),
    [
        (THERE, Counts(expected=3, delivered=3), Outcome.SAME, "3 of 3"),
        (THERE, Counts(expected=3, delivered=2, lost=1, missed_offline=1), Outcome.SAME, "1 missed while offline"),
        (THERE, Counts(expected=3, delivered=2, lost=1), Outcome.DIFFERS, "1 lost"),
        (THERE, Counts(expected=3, delivered=3, duplicate=2), Outcome.DIFFERS, "2 duplicate"),
        (THERE, Counts(expected=3, delivered=3, reordered=1), Outcome.DIFFERS, "1 reordered"),
        (THERE, Counts(expected=3, delivered=3, leaked=4), Outcome.DIFFERS, "4 leaked"),
        (
            State("x", joined=True, ended=True, evidence="it died"),
            Counts(expected=1, delivered=1),
            Outcome.DIFFERS,
            "died",
        ),
        (THERE, Counts(), Outcome.NOT_THERE, "owed nothing"),
        (State(evidence="refused: no"), Counts(), Outcome.NOT_THERE, "refused: no"),
    ],
)
def test_what_a_canary_saw_is_held_against_what_it_was_owed(
    state: State, counts: Counts, outcome: Outcome, said: str
) -> None:
    row = judged(state, counts)
    assert row["outcome"] == outcome
    assert said in row["evidence"]
    assert (row["transport"], row["parser"]) == (state.transport, state.parser)
    assert hold([row]) == (outcome is Outcome.SAME)


def test_a_protocol_that_is_not_spoken_is_not_held_against_the_backend() -> None:
    row = judged(State(evidence="refused: 400"), Counts(), {"node-2": "Unsupported protocol version"})
    assert (row["outcome"], row["evidence"]) == (Outcome.NOT_SUPPORTED, "Unsupported protocol version")
    assert hold([row])
    # If it got in all the same, it has to see everything.
    assert judged(THERE, Counts(expected=1, lost=1), {"node-2": "no"})["outcome"] == Outcome.DIFFERS


def test_it_is_counted_like_everybody_and_timed_apart() -> None:
    meter = Meter(RUN, Reader())
    viewer, canary = member(meter, 0), member(meter, 0, label="node-4")
    meter.canaries.open("node-4").joined = True
    meter.learn([trigger(), trigger(1, key="22222222-2222-4333-8444-555555555555")])
    for seq in (0, 1):
        meter.observe(viewer.number, contract.AGENT_LOG, log_frame(seq), 10 * S + 1_000_000)
    meter.apart("node-4").observe(canary.number, contract.AGENT_LOG, log_frame(), 10 * S + 50_000_000)
    report, by_event = meter.take_report(20 * S, {}, {})
    assert len(by_event[contract.AGENT_LOG]) == 2
    assert list(by_event[CANARY + "node-4"]) == [50_000]
    assert sum(report.timed.values()) == 3, "what is counted is timed"
    assert sum(one.deliveries for one in report.fan_outs) == 2, "a canary is no part of any fan-out"
    assert report.gauges["members"] == 1
    assert report.paths == report.instances == {}
    totals = Totals.from_message(settle(meter).to_message())
    (row,) = outcomes(totals.canaries, {CANARY + "node-4": new_histogram()}, {})
    assert row["outcome"] == Outcome.DIFFERS
    counted = Counts(**{name: row[name] for name in asdict(Counts())})
    # One log and two updates of the two triggers did not come; completions are unknown.
    assert (counted.expected, counted.delivered, counted.lost) == (4, 1, 3)
    assert totals.streams[0, 1, 0].expected == 4, "it is a member"


def hear(meter: Meter, canary: Account, at_ns: int) -> None:
    viewpoint = meter.apart(canary.label)
    viewpoint.observe(canary.number, contract.AGENT_LOG, log_frame(), at_ns)
    viewpoint.observe(canary.number, contract.TASK_STATUS_UPDATE, status_frame("COMPLETED"), at_ns)


def test_what_only_a_canary_received_was_made_all_the_same() -> None:
    """Such as in a room that nobody else is in; a completion has no other evidence."""
    meter = Meter(RUN, Reader())
    canary = member(meter, 0, label="node-4")
    meter.learn([trigger()])
    hear(meter, canary, 10 * S + 50_000_000)
    report, _ = meter.take_report(11 * S, {}, {})
    assert sum(meter.outstanding(11 * S, 30 * S)) == 1, "of its three broadcasts one is still to come"
    gathering = Gathering([slot.is_completion for slot in Reader.slots], FLIGHT_NS)
    gathering.sent([trigger()])
    gathering.take(11, report.fan_outs, 0)
    assert gathering.at_work == {}, "its work is done"
    assert {(one.slot, one.ns) for one in gathering.until(None)} == {
        (ACCEPTED, 10 * S + 50_000_000),
        (FAILED, 10 * S + 50_000_000),
    }
    found = settle(meter).streams[0, 1, FAILED]
    assert (found.expected, found.delivered, found.unowed) == (1, 1, 0)


def test_a_member_misses_what_only_a_canary_received() -> None:
    meter = Meter(RUN, Reader())
    member(meter, 0)
    canary = member(meter, 0, label="node-4")
    meter.learn([trigger()])
    hear(meter, canary, 10 * S + 50_000_000)
    found = settle(meter).streams[0, 1, FAILED]
    assert (found.expected, found.delivered, found.lost) == (2, 1, 1)


def test_a_canary_s_own_time_makes_no_fan_out_longer() -> None:
    meter, fleet = Meter(RUN, Reader()), Fleet()
    viewers = [member(meter, 0) for _ in range(2)]
    canary = member(meter, 0, label="node-4")
    meter.learn([trigger()])
    for number, viewer in enumerate(viewers):
        frame = status_frame("COMPLETED")
        meter.observe(viewer.number, contract.TASK_STATUS_UPDATE, frame, 10 * S + 1_000_000 * number)
    hear(meter, canary, 10 * S + 500_000_000)
    report, _ = meter.take_report(11 * S, {"cpu_percent": 1.0, "rss_bytes": 1.0}, {})
    fleet.take("w", WorkerReport.from_message(report.to_message()), 0.0)
    fleet.close()
    assert summarise(fleet.latencies[FAN_OUT])["max"] == pytest.approx(1.0, rel=0.001)
    assert summarise(fleet.latencies[FAN_OUT])["count"] == 1


def test_who_was_never_in_its_room_was_owed_nothing() -> None:
    canaries = Canaries()
    state = canaries.open("a")
    state.client, state.evidence = "node", "refused"
    canaries.open("b").joined = True
    assert canaries.open("a") is state
    rows = canaries.to_rows({"b": Counts(expected=2, delivered=2)})
    found = {row["name"]: row for row in outcomes(rows, {}, {})}
    assert (found["a"]["outcome"], found["a"]["evidence"], found["a"]["client"]) == (
        Outcome.NOT_THERE.value,
        "refused",
        "node",
    )
    assert (found["b"]["outcome"], found["b"]["evidence"]) == (Outcome.SAME.value, "2 of 2")
    assert found["b"]["latency_ms"]["count"] == 0


def test_what_is_said_of_one() -> None:
    assert judged(THERE, Counts())["evidence"] == "it was owed nothing"
    both = Counts(expected=9, delivered=6, lost=3, missed_offline=1, duplicate=4)
    assert judged(THERE, both)["evidence"] == "2 lost, 4 duplicate"
    missed = Counts(expected=3, delivered=2, lost=1, missed_offline=1)
    assert judged(THERE, missed)["evidence"] == "2 of 3, 1 missed while offline"
    assert judged(State("x"), Counts(), {"another": "no"})["outcome"] == Outcome.NOT_THERE.value


def test_what_one_is_called_in_a_line() -> None:
    assert title_of(judged(THERE, Counts())) == "node-2 (socket.io-client 4, polling, msgpack)"
    assert title_of(judged(State("x", parser="msgpack"), Counts())) == "node-2 (x)", "it has not connected"
    assert title_of(judged(State(), Counts())) == "node-2 (it did not start)"
    assert title_of({"name": "n", "client": "of an older record"}) == "n (of an older record)"


def test_the_last_transport_and_the_parser_travel() -> None:
    canaries = Canaries()
    state = canaries.open("firefox:upgrade", "msgpack")
    state.transport = "web\x00socket"
    (row,) = outcomes(canaries.to_rows({}), {}, {})
    assert (row["name"], row["transport"], row["parser"]) == ("firefox:upgrade", r"web\x00socket", "msgpack")
