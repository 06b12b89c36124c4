"""What a backend has to bear: odd messages, broken ones, large ones, clients that vanish, bad networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import gevent

from backend import contract
from clients.network import Conditions

from .scenario import CORE, INTEGRATION, PRODUCTION, STRESS, scenario

if TYPE_CHECKING:
    from .stage import Stage

ODD: Final[tuple[Any, ...]] = (
    None,
    "",
    0,
    -1,
    1e308,
    True,
    [],
    {},
    {"nested": {"deeper": {"still": [[[[[]]]]]}}},
    {"__proto__": {"polluted": True}},
    "x" * 100_000,
    "\x00\x01\x02",
    "\u202e\U0001f600",
    b"",
    b"\x00\xff" * 500,
    [b"binary", {"in": b"between"}],
    list(range(5000)),
    {str(number): number for number in range(2000)},
)
"""Arguments that nobody expects."""
BROKEN: Final = ("no packet", "2[", "2{}", "9", '5-["x"]', '2["x"')
"""Messages that are no Socket.IO packets."""
NEARLY_TOO_LARGE: Final = 740_000
"""Also where binary messages are sent as text, a third longer, as by polling with the msgpack parser."""
TOO_LARGE: Final = contract.MAX_PAYLOAD_BYTES + 1
MANY: Final = 10
SLOW: Final = Conditions(latency_s=0.03, jitter_s=0.02, loss=0.02)


@scenario(
    "malformed payloads",
    CORE,
    checks={"the connection survives them": (), "others are served meanwhile": ()},
)
def malformed(stage: Stage) -> None:
    client, other = stage.owner(measured=False), stage.owner(measured=False)
    client.connect()
    other.connect()
    for odd in ODD:
        for event in (contract.JOIN, contract.LEAVE, contract.PING):
            client.emit(event, odd)
    client.emit(contract.JOIN)
    client.emit(contract.JOIN, stage.project(), "too", "many", "arguments")
    refusal = stage.serves(other)
    stage.check("others are served meanwhile", not refusal, refusal or "a join was answered")
    refusal = stage.serves(client)
    stage.check("the connection survives them", not refusal, refusal or f"{3 * len(ODD) + 2} messages")


@scenario(
    "broken packets",
    CORE,
    checks={"whoever sends them is cut off": (), "nobody else is": ()},
)
def broken(stage: Stage) -> None:
    bystander = stage.member()
    spared = []
    for packet in BROKEN:
        client = stage.member(measured=False)
        ended = client.expect_end()
        client.send_packet(packet)
        if not ended.wait(stage.patience_s):
            spared.append(packet)
            break
    said = f"still connected after {spared}" if spared else f"{len(BROKEN)} kinds of them"
    stage.check("whoever sends them is cut off", not spared, said)
    gone = stage.missing([bystander], [stage.create_task()])
    stage.check("nobody else is", not gone, gone or "a bystander hears its room")


@scenario(
    "unknown events and namespaces",
    CORE,
    checks={"an unknown event does no harm": (), "an unknown namespace is refused": ()},
)
def unknown(stage: Stage) -> None:
    client = stage.owner(measured=False)
    client.connect()
    client.emit("noSuchEvent", {"n": 1})
    refusal = stage.serves(client)
    stage.check("an unknown event does no harm", not refusal, refusal or "a join is answered after it")
    refused = client.ask_for_namespace("/nope").wait(stage.patience_s)
    stage.check("an unknown namespace is refused", refused, "/nope")


@scenario(
    "large payloads",
    CORE,
    checks={
        f"a message of {NEARLY_TOO_LARGE} bytes is taken": (),
        f"one of {TOO_LARGE} ends its connection": (),
        "nobody else's": (),
    },
)
def large(stage: Stage) -> None:
    bystander = stage.member()
    client = stage.member(measured=False)
    client.emit("noSuchEvent", "x" * NEARLY_TOO_LARGE)
    refusal = stage.serves(client)
    taken = f"a message of {NEARLY_TOO_LARGE} bytes is taken"
    stage.check(taken, not refusal, refusal or "a join is answered after it")
    ended = client.expect_end()
    client.emit("noSuchEvent", "x" * TOO_LARGE)
    over = ended.wait(stage.patience_s)
    stage.check(f"one of {TOO_LARGE} ends its connection", over, client.end_reason or "it is still connected")
    gone = stage.missing([bystander], [stage.create_task()])
    stage.check("nobody else's", not gone, gone or "a bystander hears its room")


@scenario(
    "clients that vanish during broadcasts",
    CORE,
    INTEGRATION,
    checks={"those that stay hear everything": ()},
)
def vanishing(stage: Stage) -> None:
    clients = stage.members(MANY)
    tasks = []
    for client in clients[1::2]:
        tasks.append(stage.create_task())
        client.drop()
    gone = stage.missing(clients[::2], tasks)
    stage.check("those that stay hear everything", not gone, gone or f"{len(tasks)} tasks")


@scenario(
    "a slow and lossy network",
    STRESS,
    checks={"everything arrives all the same": ()},
)
def bad_network(stage: Stage) -> None:
    network = stage.network(SLOW)
    client = stage.member(endpoint=network.endpoint)
    tasks = [stage.create_task() for _ in range(3)]
    gone = stage.missing([client], tasks)
    stage.check("everything arrives all the same", not gone, gone or f"{len(tasks)} tasks, {SLOW}")


@scenario(
    "a network that breaks",
    STRESS,
    PRODUCTION,
    checks={"everybody comes back": (), "everybody hears the room again": ()},
)
def cut_off(stage: Stage) -> None:
    network = stage.network(Conditions())
    clients = stage.members(MANY, endpoint=network.endpoint, measured=False, reconnects=True)
    ends = [client.expect_end() for client in clients]
    network.cut()
    gevent.wait(ends, timeout=stage.patience_s)
    stage.wait_until(
        lambda: all(client.connected and client.joined_again for client in clients), 2 * stage.patience_s
    )
    back = sum(client.connected and client.joined_again for client in clients)
    stage.check("everybody comes back", back == MANY, f"{back} of {MANY}")
    gone = stage.missing(clients, [stage.create_task()])
    stage.check("everybody hears the room again", not gone, gone or f"{MANY} clients")
