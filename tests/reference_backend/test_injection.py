from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

import pytest

from lab.reference_backend.fault_options import Cut, Delay, Faults, Stop, Which
from lab.reference_backend.injection import Injector

MEMBERS = [f"m{number}" for number in range(5)]
OTHERS = ["o1", "o2"]
LOG = {"message": "accepted ~0123abcd.0.1.2.3.cafe~ now"}
UPDATE = {"taskId": "t", "newStatus": "FAILED"}


def run(faults: Faults, payloads: list[dict[str, Any]], seed: int = 1) -> tuple[list[Any], list[Any]]:
    lines: list[str] = []
    injector = Injector(faults, Random(seed), lines.append)
    sent = [pair for payload in payloads for pair in injector.deliveries("r", MEMBERS, OTHERS, "e", payload)]
    return sent, [json.loads(line) for line in lines]


def test_without_faults_everybody_gets_everything() -> None:
    sent, log = run(Faults(), [LOG, UPDATE])
    assert sent == [(member, payload, 0.0) for payload in (LOG, UPDATE) for member in MEMBERS]
    assert log == []


def test_every_delivery_is_what_the_log_says() -> None:
    faults = Faults(drop=Which(0.1), duplicate=Which(0.1), corrupt=Which(0.1), leak=Which(0.1))
    sent, log = run(faults, [LOG, UPDATE] * 500)
    done = Counter((line["fault"], line["what"]) for line in log)
    kinds = Counter(fault for fault, _ in done.elements())
    assert all(300 < kinds[kind] < 700 for kind in ("drop", "duplicate", "leak"))
    # Only what carries a trace can be damaged.
    assert done["corrupt", "FAILED"] == 0 < done["corrupt", LOG["message"]]
    extra = kinds["duplicate"] + kinds["leak"] - kinds["drop"]
    assert len(sent) == 5 * 1000 + extra
    assert sum(member in OTHERS for member, _, _ in sent) == kinds["leak"]
    damaged = [payload for _, payload, _ in sent if payload not in (LOG, UPDATE)]
    assert len(damaged) == kinds["corrupt"]
    assert all(len(payload["message"]) == len(LOG["message"]) for payload in damaged)


def test_a_held_delivery_goes_out_after_the_next_of_its_kind() -> None:
    lines: list[str] = []
    injector = Injector(Faults(reorder=Which(1.0)), Random(1), lines.append)

    def send(payload: dict[str, Any]) -> list[Any]:
        return [sent for _, sent, _ in injector.deliveries("r", ["m"], OTHERS, "e", payload)]

    other_log = {"message": "accepted ~0123abcd.0.1.3.3.cafe~ now"}
    assert send(LOG) == []
    assert send(UPDATE) == []
    assert send({"message": "no trace"}) == [{"message": "no trace"}]
    assert send(other_log) == [other_log, LOG]
    assert [json.loads(line)["fault"] for line in lines] == ["hold", "hold", "release"]


def test_the_tildes_of_an_agent_s_logs_are_no_traces() -> None:
    """Only texts that a meter can trace are held back or damaged."""
    texts = ["diff ~/a~ ~/b~", "~3fa.1~", "~~x~~ ~one~", "~0123abcd~", "main.py~"]
    logs = [{"message": text} for text in texts]
    sent, log = run(Faults(reorder=Which(0.5), corrupt=Which(0.5)), logs)
    assert [payload for _, payload, _ in sent] == [payload for payload in logs for _ in MEMBERS]
    assert log == []


def test_a_broadcast_is_one_line_whatever_its_text() -> None:
    lines: list[str] = []
    text = "a\u2028b\u2029c\u0085d\n\x1ce \ufffd 😀"
    Injector(Faults(), Random(1), lines.append).made("r", "agentLog", {"message": text}, 3, 5)
    assert [json.loads(line) for line in "\n".join(lines).splitlines()] == [
        {"made_ns": 5, "room": "r", "event": "agentLog", "members": 3, "what": text}
    ]


def test_the_same_seed_does_the_same() -> None:
    faults = Faults(drop=Which(0.5))
    assert run(faults, [LOG] * 20) == run(faults, [LOG] * 20)
    assert run(faults, [LOG] * 20) != run(faults, [LOG] * 20, seed=2)


def test_a_muted_member_and_a_muted_room() -> None:
    sent, log = run(Faults(mute_member=2), [LOG])
    assert [member for member, _, _ in sent] == ["m0", "m2", "m3", "m4"]
    assert [(line["fault"], line["member"]) for line in log] == [("mute", "m1")]
    lines: list[str] = []
    injector = Injector(Faults(mute_room=2), Random(1), lines.append)
    sizes = [len(list(injector.deliveries(room, MEMBERS, [], "e", LOG))) for room in ("a", "b", "a", "b", "c")]
    assert sizes == [5, 0, 5, 0, 5]
    assert len(lines) == 10


def test_a_leak_needs_somebody_else() -> None:
    injector = Injector(
        Faults(leak=Which(1.0)), Random(1), lambda _line: pytest.fail("nobody is there to leak to")
    )
    assert len(list(injector.deliveries("r", MEMBERS, [], "e", LOG))) == 5


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", Faults()),
        ("drop=0.5,mute_member=2", Faults(drop=Which(0.5), mute_member=2)),
        ("corrupt=@3/9", Faults(corrupt=Which(numbers=frozenset({3, 9})))),
        ("delay=20,stop=4:2", Faults(delay=Delay(20.0), stop=Stop(4.0, 2.0))),
        ("cut=3:2,replay=1", Faults(cut=Cut(3.0, 2), replay=1)),
        ("slow_instance=exponential:5", Faults(slow_instance=Delay(5.0, "exponential"))),
    ],
)
def test_parse(text: str, faults: Faults) -> None:
    assert Faults.parse(text) == faults


@pytest.mark.parametrize(
    "text", ["dorp=1", "drop", "drop=x", "drop=-1", "mute_member=1.5", "delay=x:3", "stop=3", "drop=@1/x"]
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Faults.parse(text)


def test_an_exact_list_is_kept_exactly() -> None:
    """Numbers count the deliveries that the fault can happen to: an update cannot be corrupt."""
    _, log = run(
        Faults(drop=Which(numbers=frozenset({2, 7})), corrupt=Which(numbers=frozenset({4}))), [UPDATE, LOG]
    )
    assert [(line["fault"], line["member"]) for line in log] == [("drop", "m1"), ("drop", "m1"), ("corrupt", "m4")]


def test_delays_are_of_their_law_and_a_slow_instance_is_every_third_member_s() -> None:
    sent, _ = run(Faults(delay=Delay(20.0), slow_instance=Delay(100.0)), [LOG])
    assert [round(late_s * 1000) for _, _, late_s in sent] == [120, 20, 20, 120, 20]
    sent, _ = run(Faults(delay=Delay(20.0, "exponential")), [LOG] * 400)
    late_s = [late_s for _, _, late_s in sent]
    assert sum(late_s) / len(late_s) == pytest.approx(0.020, rel=0.1)
    # Of an exponential law, as many are longer than its mean as 1/e.
    assert sum(one_s > 0.020 for one_s in late_s) / len(late_s) == pytest.approx(0.368, abs=0.05)


def test_what_left_is_logged_if_time_is_among_the_faults() -> None:
    lines: list[str] = []
    injector = Injector(Faults(delay=Delay(1.0)), Random(1), lines.append)
    assert injector.logs_sends
    injector.sent(7, "2", 5)
    assert json.loads(lines[0]) == {"sent_ns": 5, "connection": 7, "frame": "2"}
    assert not Injector(Faults(drop=Which(1.0)), Random(1), lines.append).logs_sends


def test_whoever_was_cut_off_is_absent_and_gets_what_it_missed_until_it_connected() -> None:
    lines: list[str] = []
    injector = Injector(Faults(cut=Cut(0.0, 2), replay=1), Random(1), lines.append)

    def send(at_s: float, members: list[str]) -> list[str]:
        return [member for member, _, _ in injector.deliveries("r", members, [], "e", UPDATE, at_s)]

    assert injector.joined("r", 0.0) == []
    assert send(1.0, MEMBERS) == MEMBERS
    assert injector.cut("r", MEMBERS) == "m1"
    assert injector.cut("r", MEMBERS) is None
    rest = [member for member in MEMBERS if member != "m1"]
    assert send(2.0, rest) == send(4.0, rest) == rest
    assert [missed.at_s for missed in injector.joined("r", 3.0)] == [2.0]
    assert injector.joined("r", 9.0) == []
    assert [json.loads(line)["fault"] for line in lines] == ["absent", "absent", "replay"]
    assert injector.cut("another", ["only"]) is None
