"""Large content, compared character by character: messages up to the limit and beyond it, long titles, logs."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loadtest.backends.prometheus import contract
from loadtest.scenarios import capabilities as can
from loadtest.scenarios.company import SkipError
from loadtest.scenarios.content import LONGEST_TITLE, TOO_LONG_TITLE, difference, numbered, numbers, odd_text
from loadtest.scenarios.scenario import CORE, scenario
from loadtest.scenarios.stage import QUIET_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.clients.client import Client
    from loadtest.scenarios.stage import Stage

MEMBERS: Final = 5
UNKNOWN: Final = "noSuchEvent"
FRAME_SIZES: Final = (125, 126, 65_535, 65_536)
"""Bytes of messages between which the head of a WebSocket frame changes its form."""
ODD_CHARS: Final = 50_000
NUMBERS: Final = 4_000
"""Each makes an answer longer by one byte."""
_MOST_BYTES: Final = 8_000_000
"""A limit that is higher is not tried: each play would send and receive this much several times."""
_BESIDE_BYTES: Final = 1_000
"""Space that is left for other packets of the same request of long-polling."""

LIMIT: Final = "the announced limit is the contract's"
TAKEN: Final = "one as large as the limit is taken"
CLOSED: Final = "one byte more closes its connection"
OTHERS: Final = "nobody else's"
WHOLE: Final = "what comes back is what was sent"
BEYOND: Final = "an answer beyond the limit comes whole"

TITLE: Final = "the longest title comes back whole"
SAME: Final = "all members get the same, to the last character"
REFUSED: Final = "a longer title is refused"


@dataclass(frozen=True, slots=True)
class _Echo:
    """How something comes back. event: what is sent. answer: what comes. quotes: what of the answer was sent."""

    event: str
    answer: str
    quotes: Callable[[Any, Any], Any]


_PING: Final = _Echo(contract.PING, contract.PONG, lambda _, answer: answer)
_JOIN: Final = _Echo(contract.JOIN, contract.JOINED, lambda sent, answer: str(answer)[-len(sent) :])
"""Where any text is a room, the answer to a join ends in it."""


@scenario(
    "large payloads",
    CORE,
    checks={LIMIT: (), TAKEN: (), CLOSED: (), OTHERS: (), WHOLE: (), BEYOND: ()},
)
def payloads(stage: Stage) -> None:
    rooms = [stage.room]
    with suppress(SkipError):
        rooms.append(stage.other_room())
    bystanders = [stage.member(room) for room in rooms]
    _taken(stage)
    _closed(stage)
    tasks = [stage.create_task(room) for room in rooms]
    gone = "; ".join(
        filter(None, (stage.missing([who], [task]) for who, task in zip(bystanders, tasks, strict=True)))
    )
    stage.check(OTHERS, gone, f"{len(bystanders)} others hear their rooms")
    echo = _echo(stage)
    _whole(stage, echo)
    _beyond(stage, echo)


def _taken(stage: Stage) -> None:
    client = stage.member(measured=False)
    announced = f"{client.max_payload} bytes"
    is_other = client.max_payload != contract.MAX_PAYLOAD_BYTES
    wrong = f"{announced}, and {contract.MAX_PAYLOAD_BYTES} by the contract" if is_other else ""
    stage.check(LIMIT, wrong, announced)
    text = _filling(client, UNKNOWN, _limit(client))
    client.emit(UNKNOWN, text)
    refusal = stage.serves(client)
    stage.check(TAKEN, refusal, f"{_wire_bytes(client, UNKNOWN, text)} bytes; a join is answered after it")


def _closed(stage: Stage) -> None:
    client = stage.member(measured=False)
    text = _filling(client, UNKNOWN, client.max_payload)
    while _wire_bytes(client, UNKNOWN, text) <= client.max_payload:
        text += "."
    ended = client.expect_end()
    client.emit(UNKNOWN, text)
    over = ended.wait(stage.patience_s)
    # A client that is disconnected on purpose does not come back; one whose transport is closed does.
    on_purpose = client.end_reason == client.socket.reason.SERVER_DISCONNECT
    said = f"{_wire_bytes(client, UNKNOWN, text)} bytes: {client.end_reason if over else 'it is still connected'}"
    stage.check(CLOSED, "" if over and not on_purpose else said, said)


def _echo(stage: Stage) -> _Echo:
    if stage.can(can.PING):
        return _PING
    if stage.cannot(can.ROOM_IDS):
        return _JOIN
    raise SkipError("nothing that is sent comes back: there is no ping, and room ids are checked")


def _whole(stage: Stage, echo: _Echo) -> None:
    client = stage.member(measured=False)
    sizes = [*(size for size in FRAME_SIZES if size < _limit(client)), _limit(client)]
    texts = [_filling(client, echo.event, size) for size in sizes]
    texts.insert(-1, odd_text(min(ODD_CHARS, _limit(client) // 10)))
    wrong = ""
    for text in texts:
        wrong = wrong or _exchange(stage, client, echo, text)[1]
    stage.check(WHOLE, wrong, f"{echo.event} and {echo.answer}: {sizes} bytes, and one of odd characters")


def _beyond(stage: Stage, echo: _Echo) -> None:
    """Have the backend answer with more than it takes, which is no limit of what it sends."""
    client = stage.member(measured=False)
    sent: Any
    if echo is _JOIN:
        # The answer has a text of its own before what was sent.
        sent, packet = _filling(client, echo.event, client.max_payload), ""
    elif stage.endpoint.parser == "default":
        # A text, and numbers that come back longer: JavaScript writes 1e22 as 1e+22.
        written = numbers(NUMBERS)
        text = numbered(_limit(client) - len(",".join(written)) - len(f'42["{echo.event}",["",]]'))
        sent = [text, *map(float, written)]
        packet = f'2["{echo.event}",["{text}",{",".join(written)}]]'
    else:
        raise SkipError("only JSON has numbers that are written longer than they were sent")
    answer, wrong = _exchange(stage, client, echo, sent, packet)
    size = _json_bytes(answer)
    if not wrong and size <= client.max_payload:
        raise SkipError(f"{echo.answer} had no more than {size} bytes: no way is known to a longer answer")
    stage.check(BEYOND, wrong, f"{size} bytes")


def _exchange(stage: Stage, client: Client, echo: _Echo, sent: Any, packet: str = "") -> tuple[Any, str]:
    """Send something that comes back; return the answer, and how it differs, or nothing if it does not.

    :param packet: how it is written; by default, as python-socketio writes it.
    """
    came = client.expect(echo.answer)
    if packet:
        client.send_packet(packet)
    else:
        client.emit(echo.event, sent)
    stage.wait_until(lambda: came.result.ready() or not client.connected)
    client.inbox.forget(came)
    size = len(packet) + 1 if packet else _wire_bytes(client, echo.event, sent)
    if not came.result.ready():
        state = "is still connected" if client.connected else f"was cut off: {client.end_reason}"
        return None, f"no {echo.answer} for {size} bytes; the client {state}"
    arguments = came.wait(0)
    answer = arguments[0] if arguments else None
    found = difference(sent, echo.quotes(sent, answer))
    return answer, found and f"{echo.answer} for {size} bytes: {found}"


def _limit(client: Client) -> int:
    """How many bytes a message of this client may have."""
    if client.max_payload > _MOST_BYTES:
        raise SkipError(f"the backend announces a maxPayload of {client.max_payload} bytes: too much to try")
    polls = client.socket.eio.current_transport == "polling"
    return client.max_payload - (_BESIDE_BYTES if polls else 0)


def _filling(client: Client, event: str, size: int) -> str:
    """Return the longest text with which an event's message has no more than so many bytes."""
    length = size - _wire_bytes(client, event, "")
    while (over := _wire_bytes(client, event, numbered(length)) - size) > 0:
        length -= max(over * 3 // 4, 1)
    return numbered(length)


def _wire_bytes(client: Client, event: str, data: Any) -> int:
    """Return how many bytes an event's Engine.IO message has: what the limit counts."""
    made = client.socket.packet_class(namespace=contract.NAMESPACE, data=[event, data]).encode()
    if isinstance(made, str):
        return 1 + len(made.encode())
    polls = client.socket.eio.current_transport == "polling"
    return 1 + -(-len(made) // 3) * 4 if polls else len(made)


def _json_bytes(data: Any) -> int:
    return len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())


@scenario(
    "large broadcasts",
    CORE,
    checks={TITLE: (), SAME: (), REFUSED: ()},
)
def broadcasts(stage: Stage) -> None:
    room = stage.private_room()
    clients = [stage.enter(stage.owner(measured=False), room.project_id) for _ in range(MEMBERS)]
    title = f"{stage.random.getrandbits(64):016x} {LONGEST_TITLE}"
    task = stage.task_in(room, title=title)
    gone = stage.missing(clients, [task])
    # After the last update there are still logs.
    while stage.wait_until(_louder(clients), QUIET_S):
        pass
    expected = contract.LOG_ACCEPTED.format(title=title)
    wrong = next(filter(None, (_title_fault(client, expected) for client in clients)), "")
    stage.check(TITLE, wrong, f"{len(title)} characters to {MEMBERS} members")
    others = [difference(_events_of(clients[0]), _events_of(client)) for client in clients[1:]]
    wrong = gone or next((f"member {number}: {said}" for number, said in enumerate(others, 1) if said), "")
    largest = max((_json_bytes(one.data) for one in clients[0].heard), default=0)
    stage.check(SAME, wrong, f"{len(clients[0].heard)} events, the largest of {largest} bytes")
    before = len(clients[0].heard)
    answer = stage.try_task(room, title=f"{title}{TOO_LONG_TITLE}")
    was_broadcast = stage.wait_until(lambda: len(clients[0].heard) > before, QUIET_S)
    said = f"answered with {answer.status}" + (", and broadcast" if was_broadcast else "")
    stage.check(REFUSED, "" if not was_broadcast and 400 <= answer.status < 500 else said, said)


def _louder(clients: list[Client]) -> Callable[[], bool]:
    """Return what tells whether anybody has heard more than now."""
    now = sum(len(client.heard) for client in clients)
    return lambda: sum(len(client.heard) for client in clients) > now


def _title_fault(client: Client, expected: str) -> str:
    logs = [one.data for one in client.heard if one.event == contract.AGENT_LOG and isinstance(one.data, dict)]
    return difference(expected, logs[0].get("message")) if logs else "no log came"


def _events_of(client: Client) -> list[str]:
    return [json.dumps([one.event, *one.arguments], ensure_ascii=False) for one in client.heard]
