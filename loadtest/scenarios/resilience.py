"""What a backend has to bear: odd messages, broken ones, clients that vanish, bad networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loadtest.backends.prometheus import contract
from loadtest.clients.network import Conditions
from loadtest.scenarios import hints
from loadtest.scenarios.scenario import CORE, INTEGRATION, PRODUCTION, STRESS, scenario

if TYPE_CHECKING:
    from loadtest.scenarios.stage import Stage

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
WITHOUT_ATTACHMENT: Final = '5-["x"]'
"""A binary event that announces no attachment."""
BROKEN: Final = ("no packet", "2[", "2{}", "9", WITHOUT_ATTACHMENT, '2["x"')
"""Messages that are no Socket.IO packets."""
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
    stage.check("others are served meanwhile", refusal, "a join was answered")
    refusal = stage.serves(client)
    stage.check("the connection survives them", refusal, f"{3 * len(ODD) + 2} messages")


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
    wrong = f"still connected after {spared}" if spared else ""
    hint = hints.PARSER if WITHOUT_ATTACHMENT in spared else ""
    stage.check("whoever sends them is cut off", wrong, f"{len(BROKEN)} kinds of them", hint)
    gone = stage.missing([bystander], [stage.create_task()])
    stage.check("nobody else is", gone, "a bystander hears its room")


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
    stage.check("an unknown event does no harm", refusal, "a join is answered after it")
    refused = client.ask_for_namespace("/nope").wait(stage.patience_s)
    stage.check("an unknown namespace is refused", "" if refused else "nothing was answered", "/nope")


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
    stage.check("those that stay hear everything", gone, f"{len(tasks)} tasks")


@scenario(
    "a slow and lossy network",
    STRESS,
    checks={"everything arrives all the same": ()},
)
def bad_network(stage: Stage) -> None:
    network = stage.network(SLOW)
    # What this network takes is not the backend's.
    client = stage.member(endpoint=network.endpoint, measured=False)
    tasks = [stage.create_task() for _ in range(3)]
    gone = stage.missing([client], tasks)
    stage.check("everything arrives all the same", gone, f"{len(tasks)} tasks, {SLOW}")


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

    def all_cut_off() -> bool:
        # A client that polls has no connection between two polls: it is cut off in its next one.
        network.cut()
        return all(end.is_set() for end in ends)

    stage.wait_until(all_cut_off)
    stage.wait_until(
        lambda: all(client.connected and client.joined_again for client in clients), 2 * stage.patience_s
    )
    back = sum(client.connected and client.joined_again for client in clients)
    said = f"{back} of {MANY}"
    stage.check("everybody comes back", "" if back == MANY else said, said)
    gone = stage.missing(clients, [stage.create_task()])
    stage.check("everybody hears the room again", gone, f"{MANY} clients")
