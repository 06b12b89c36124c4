"""How long a frame is known, and what is said of its times."""

from __future__ import annotations

import pytest

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.clock import Estimate
from loadtest.measurement.clocks import Clock, ClockTable, publisher_number
from loadtest.measurement.meter import CLOCK_BOUND, Meter
from loadtest.measurement.recogniser import MOST_KEYS, PATIENCE, Kind, Recogniser
from loadtest.measurement.triggers import Outcome, Trigger

from .metering import RUN, TASK, S, docker_frame, log_frame, member, status_frame, trigger

MS = 1_000_000
BOUND_NS = 2_000_500
FAR = publisher_number(1, 0)


def recogniser(**more: object) -> Recogniser:
    return Recogniser(RUN, Reader(), ClockTable(Clock(0, "")), **more)  # type: ignore[arg-type]


def across(estimate: Estimate | None = None) -> Meter:
    """A meter that knows another worker's clock, or nothing of it."""
    table = ClockTable(Clock(0, "here", Estimate(0, 0, 0.0, 500, 0.0)))
    table.update([Clock(1, "there", estimate)])
    return Meter(RUN, Reader(), table)


def far_frame(seq: int) -> bytes:
    return log_frame(seq, publisher=FAR)


def test_a_frame_that_nobody_gets_any_more_is_forgotten_after_thirty_reports() -> None:
    known = recogniser()
    broadcast = known.recognise(contract.AGENT_LOG, log_frame())
    broadcast.latencies_ns.append(1)
    for number in range(1, 31):
        known.take()
        assert (broadcast.live, broadcast.idle) == (True, number)
        assert log_frame() in known.known
    known.take()
    assert not broadcast.live
    assert log_frame() not in known.known


def test_one_that_is_received_again_meanwhile_begins_anew() -> None:
    known = recogniser()
    broadcast = known.recognise(contract.AGENT_LOG, log_frame())
    for _ in range(30):
        known.take()
    broadcast.latencies_ns.append(5_999)
    assert {name: list(values) for name, values in known.take().samples_us.items()} == {"agentLog": [5]}
    assert (broadcast.live, broadcast.idle) == (True, 1)


def test_others_stay_when_one_is_forgotten() -> None:
    known = recogniser()
    known.recognise(contract.AGENT_LOG, log_frame(0))
    for _ in range(20):
        known.take()
    young = known.recognise(contract.AGENT_LOG, log_frame(1))
    for _ in range(11):
        known.take()
    assert list(known.known.values()) == [young]


def test_only_so_many_are_known_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.measurement.recogniser.MOST_KNOWN", 3)
    known = recogniser()
    for seq in range(3):
        known.recognise(contract.AGENT_LOG, log_frame(seq))
    assert len(known.known) == 3
    known.recognise(contract.AGENT_LOG, log_frame(3))
    assert list(known.known) == [log_frame(3)]


def test_only_the_newest_ids_lead_back(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_KEYS == 65_536
    monkeypatch.setattr("loadtest.measurement.recogniser.MOST_KEYS", 2)
    known = recogniser()
    keys = [f"{seq:08x}-2222-4333-8444-555555555555" for seq in range(3)]
    for seq, key in enumerate(keys):
        known.learn(trigger(seq, key=key))
    kinds = [known.recognise(contract.TASK_STATUS_UPDATE, status_frame("FAILED", key)).kind for key in keys]
    assert kinds == [Kind.WAITING, Kind.DELIVERY, Kind.DELIVERY]


def test_who_waits_too_long_for_its_trigger_is_foreign() -> None:
    known = recogniser()
    frame = status_frame("FAILED")
    waiting = known.recognise(contract.TASK_STATUS_UPDATE, frame)
    for _ in range(PATIENCE + 1):
        assert known.expire() == []
    assert waiting.kind is Kind.WAITING
    assert known.expire() == [waiting]
    assert waiting.kind is Kind.FOREIGN
    assert known.learn(trigger()) == [], "too late"


def test_what_a_frame_is_called() -> None:
    known = recogniser()
    found = [
        known.recognise(contract.AGENT_LOG, log_frame(run="ffffffff")),
        known.recognise(contract.AGENT_LOG, log_frame().replace(RUN.encode(), b"ffffffff")),
        known.recognise(contract.AGENT_LOG, docker_frame()),
        known.recognise(contract.TASK_STATUS_UPDATE, status_frame("IN_PROGRESS")),
    ]
    assert [(one.name, one.kind, one.slot) for one in found] == [
        ("agentLog", Kind.FOREIGN, 0),
        ("agentLog", Kind.CORRUPT, 0),
        ("agentLog docker", Kind.UNTRACED, 0),
        ("taskStatusUpdate", Kind.WAITING, 1),
    ]


@pytest.mark.parametrize(
    ("classes", "name"),
    [((), "agentLog"), ((0,), "agentLog"), ((3, 3), "agentLog"), ((3, 1), "agentLog@class3")],
)
def test_latencies_bear_the_room_s_class_where_there_are_several(classes: tuple[int, ...], name: str) -> None:
    known = recogniser(classes=classes)
    known.recognise(contract.AGENT_LOG, log_frame()).latencies_ns.append(1000)
    assert list(known.take().samples_us) == [name]


def test_a_room_that_nobody_classified_has_no_mark() -> None:
    known = recogniser(classes=(3, 1))
    known.recognise(contract.AGENT_LOG, log_frame(room=2)).latencies_ns.append(1000)
    assert list(known.take().samples_us) == ["agentLog"]


def test_across_clocks_each_time_has_its_bound_and_early_is_what_is_earlier_than_that() -> None:
    meter = across(Estimate(0, 0, 0.0, BOUND_NS - 500, 0.0))
    accounts = [member(meter, 0) for _ in range(4)]
    for account, early_ns in zip(accounts, (BOUND_NS + 2, BOUND_NS + 1, BOUND_NS, -MS), strict=True):
        meter.observe(account.number, contract.AGENT_LOG, far_frame(0), 10 * S - early_ns)
    meter.observe(accounts[0].number, contract.AGENT_LOG, far_frame(1), 10 * S - 3 * BOUND_NS)
    taken = meter.recogniser.take()
    assert list(taken.bounds_us) == [2000] * 5
    assert (taken.negative, taken.unbounded) == (3, 0)
    assert list(taken.samples_us) == ["agentLog@across"]
    assert [(one.seq, one.first_ns, one.last_ns, one.deliveries) for one in taken.fan_outs] == [
        (0, 10 * S - BOUND_NS - 2, 10 * S + MS, 4),
        (1, 10 * S - 3 * BOUND_NS, 10 * S - 3 * BOUND_NS, 1),
    ]


def test_what_is_as_early_as_a_clock_may_be_wrong_is_not_early() -> None:
    meter = across(Estimate(0, 0, 0.0, BOUND_NS - 500, 0.0))
    meter.observe(member(meter, 0).number, contract.AGENT_LOG, far_frame(0), 10 * S - BOUND_NS)
    assert meter.recogniser.take().negative == 0


def test_of_a_clock_that_nobody_knows_nothing_is_said_but_that() -> None:
    meter = across()
    for seq in range(2):
        for account in (member(meter, 0), member(meter, 0)):
            meter.observe(account.number, contract.AGENT_LOG, far_frame(seq), 10 * S - S)
    report, _ = meter.take_report(12 * S, {}, {})
    assert report.counters["unbounded_latency"] == 4
    assert report.counters["negative_latency"] == 0
    assert CLOCK_BOUND not in report.latencies
    again, _ = meter.take_report(13 * S, {}, {})
    assert again.counters["unbounded_latency"] == 4, "counted once"


def test_early_ones_are_counted_over_all_reports() -> None:
    meter = Meter(RUN, Reader())
    for seq in range(2):
        meter.observe(member(meter, 0).number, contract.AGENT_LOG, log_frame(seq), 10 * S - 1)
        report, _ = meter.take_report((12 + seq) * S, {}, {})
    assert report.counters["negative_latency"] == 2


def test_a_trigger_without_an_id_leads_nowhere() -> None:
    known = recogniser()
    assert known.learn(Trigger(0, 1, 0, 0, 0, Outcome.ACCEPTED, "")) == []
    waiting = known.recognise(contract.TASK_STATUS_UPDATE, status_frame("FAILED", TASK))
    assert waiting.kind is Kind.WAITING
