"""How long connects, joins and triggers took by a packet capture, beside what a run measured. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from lab.calibration.cases import Row, quantile, tolerance_ms
from lab.calibration.wire import Message
from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lab.calibration.wire import Exchange, Flow

_SEPARATOR: Final = "\x1e"
"""Between the packets of a payload of long-polling."""
_CONNECT: Final = "40"
_PROBE, _PROBED = "2probe", "3probe"
_UPGRADE, _OPEN = "connect_phases_ms upgrade", "connect_phases_ms open"
_UPGRADE_AND_OPEN: Final = "upgrade and open"
"""The server sends both answers without a pause. If they are read together, the upgrade has all of their time."""
_QUANTILES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}

Times = dict[str, list[float]]
"""Path of a distribution in a run's summary, with spaces -> milliseconds."""


@dataclass(slots=True)
class Client:
    """One Engine.IO connection.

    phases_ns: phase of the connect -> how long it took until its answer was received. messages: by time.
    """

    phases_ns: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    messages: list[Message] = field(default_factory=list)


def clients_of(found: Iterable[Flow]) -> list[Client]:
    """Return the Engine.IO connections of a capture on which a Socket.IO CONNECT was answered."""
    by_sid: dict[str, Client] = defaultdict(Client)
    for flow in found:
        for exchange in flow.exchanges:
            if urlsplit(exchange.target).path.startswith(contract.SOCKETIO_PATH):
                _read(flow, exchange, by_sid)
    clients = []
    for client in by_sid.values():
        client.messages.sort(key=attrgetter("at_ns"))
        connect_ns = _answers_ns(client.messages, _CONNECT, _CONNECT)
        # Before the run, the load test asks for the Engine.IO open alone.
        if connect_ns:
            [client.phases_ns["socketio"]] = connect_ns
            clients.append(client)
    return clients


def frames_of(clients: Iterable[Client]) -> list[dict[str, Any]]:
    """Return all Socket.IO packets that clients received, in the form of the backend's `--fault-log`."""
    return [
        {"sent_ns": message.at_ns, "connection": number, "frame": message.text}
        for number, client in enumerate(clients)
        for message in client.messages
        if not message.by_client
    ]


def times_of(found: Iterable[Flow], clients: Iterable[Client]) -> Times:
    """Return all connect, join and trigger times of a capture.

    :param clients: see `clients_of`.
    """
    times: Times = defaultdict(list)
    for flow in found:
        for exchange in flow.exchanges:
            if exchange.method == "POST" and exchange.target.endswith("/tasks"):
                times["trigger_ms"].append((exchange.finished_ns - exchange.started_ns) / 1e6)
    for client in clients:
        for phase, phase_ns in client.phases_ns.items():
            times[f"connect_phases_ms {phase}"].append(phase_ns / 1e6)
        times["connect_ms"].append(sum(client.phases_ns.values()) / 1e6)
        times[_UPGRADE_AND_OPEN].append((client.phases_ns["upgrade"] + client.phases_ns["open"]) / 1e6)
        joins_ns = _answers_ns(client.messages, f'42["{contract.JOIN}"', f'42["{contract.JOINED}"')
        times["join_ms"] += [join_ns / 1e6 for join_ns in joins_ns]
    return times


def _read(flow: Flow, exchange: Exchange, clients: dict[str, Client]) -> None:
    """Add a request for the Socket.IO path to its client: an upgrade, the first poll, or another poll or POST."""
    sid = parse_qs(urlsplit(exchange.target).query).get("sid", [""])[0]
    if flow.messages:
        [first, *_] = (message for message in flow.messages if not message.by_client)
        client = clients[sid or json.loads(first.text[1:])["sid"]]
        opened = _answers_ns(flow.messages, _PROBE, _PROBED) if sid else [first.at_ns - exchange.finished_ns]
        client.messages += flow.messages
        client.phases_ns["tcp"] += flow.tcp_ns
        client.phases_ns["upgrade"] += exchange.finished_ns - exchange.started_ns
        client.phases_ns["open"] += opened[0]
    elif sid:
        by_client = exchange.method == "POST"
        at_ns = exchange.started_ns if by_client else exchange.finished_ns
        payload = exchange.body if by_client else exchange.answer
        texts = payload.decode().split(_SEPARATOR)
        clients[sid].messages += [Message(at_ns, by_client, text) for text in texts]
    else:
        client = clients[json.loads(exchange.answer[1:])["sid"]]
        client.phases_ns["tcp"] += flow.tcp_ns
        client.phases_ns["open"] += exchange.finished_ns - exchange.started_ns


def _answers_ns(messages: Iterable[Message], question: str, answer: str) -> list[int]:
    """Return how long each message of the client was without its answer, in nanoseconds; answers come in order.

    :param question: how the client's messages begin.
    :param answer: how the answers to them begin.
    """
    asked_ns: list[int] = []
    took_ns = []
    for at_ns, by_client, text in messages:
        if by_client and text.startswith(question):
            asked_ns.append(at_ns)
        elif not by_client and text.startswith(answer) and asked_ns:
            took_ns.append(at_ns - asked_ns.pop(0))
    return took_ns


def compare_times(case: str, times: Mapping[str, Sequence[float]], summary: Mapping[str, Any]) -> list[Row]:
    """Return the truth beside the measured: counts exactly, quantiles to 1 ms and 1%.

    :param times: see `times_of`.
    """
    rows = []
    for name, true_ms in sorted(times.items()):
        if name == _UPGRADE_AND_OPEN:
            continue
        measured = summary
        for part in name.split():
            measured = measured[part]
        rows.append(Row(case, f"{name} count", len(true_ms), measured["count"], 0))
        for figure, share in _QUANTILES.items():
            truth = most = quantile(true_ms, share)
            least = 0.0 if name == _OPEN and _UPGRADE in times else truth
            if name == _UPGRADE:
                most = quantile(times[_UPGRADE_AND_OPEN], share)
            within = min(max(measured[figure], least), most)
            rows.append(Row(case, f"{name} {figure}", within, measured[figure], tolerance_ms(truth)))
    return rows
