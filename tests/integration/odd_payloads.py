"""Odd payloads by the ten thousand, in a process of its own: sent by our clients, or to them and the meter.

`send URL TOKEN ROOM NUMBER`, or `receive NUMBER`; says what came of it as a line of JSON.
"""

from gevent import monkey

monkey.patch_all()

import base64
import hashlib
import json
import string
import sys
from random import Random
from typing import Any

import gevent
import psutil
from gevent.server import StreamServer

from loadtest.backends.endpoint import Endpoint
from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.clients.client import Client
from loadtest.clients.errors import FAILURES
from loadtest.measurement.meter import Meter
from loadtest.measurement.trace import Trace, encode

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CLIENTS = 10
random = Random(7)
random_bytes = random.randbytes


def odd(depth: int = 0) -> Any:
    """Something that nobody expects."""
    kind = random.randrange(12 if depth < 4 else 8)
    if kind < 8:
        return (
            None,
            random.choice((True, False)),
            random.choice((0, -1, 2**63, -(2**70), 10**30)),
            random.choice((1e308, -0.0, 5e-324, float("inf"), float("nan"))),
            "".join(random.choices(string.printable + "\x00\x7f\u202e\ud800Ж😀", k=random.randrange(40))),
            "x" * random.randrange(5000),
            random_bytes(random.randrange(50)),
            "",
        )[kind]
    if kind < 10:
        return [odd(depth + 1) for _ in range(random.randrange(5))]
    return {str(odd(9)): odd(depth + 1) for _ in range(random.randrange(5))}


def rss_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


# To the backend


def send(url: str, token: str, room: str, number: int) -> dict[str, Any]:
    endpoint = Endpoint(url)
    events = (contract.JOIN, contract.LEAVE, contract.PING, "noSuchEvent", "", "connect", "disconnect", "error")
    sizes, losses, sent = [], 0, 0
    clients = [Client(endpoint, token, reconnects=False) for _ in range(_CLIENTS)]
    for client in clients:
        client.connect()
    while sent < number:
        place = sent % _CLIENTS
        if not clients[place].connected:
            losses += 1
            clients[place].disconnect()
            clients[place] = Client(endpoint, token, reconnects=False)
            clients[place].connect()
        client = clients[place]
        try:
            if random.random() < 0.002:
                client.send_packet("".join(random.choices(string.printable, k=random.randrange(20))))
            else:
                client.emit(random.choice(events), *(odd() for _ in range(random.randrange(3))))
        except FAILURES:
            pass  # it has just been lost
        sent += 1
        if sent % 200 == 0:
            gevent.sleep(0.02)  # the backend shall not be drowned, only annoyed
        if sent % (number // 4) == 0:
            sizes.append(rss_mb())
    last = Client(endpoint, token, reconnects=False)
    last.connect()
    served = last.join(room) > 0
    return {"sent": sent, "losses": losses, "served": served, "sizes_mb": sizes}


# To us


def text_frame(text: bytes, opcode: int = 1) -> bytes:
    length = len(text)
    if length < 126:
        size = bytes([length])
    else:
        size = b"\x7e" + length.to_bytes(2, "big") if length < 65536 else b"\x7f" + length.to_bytes(8, "big")
    return bytes([0x80 | opcode]) + size + text


def odd_packet() -> bytes:
    """A frame whose content is odd, and seldom one that is broken itself."""
    kind = random.random()
    body = json.dumps([random.choice((*Reader.events, "joinedRoom", "pong", "x")), odd()], default=repr).encode()
    if kind < 0.6:
        return text_frame(b"42" + body)
    if kind < 0.8:
        due = random.randrange(2**63)
        trace = encode(Trace("0123abcd", random.randrange(99), 1, random.randrange(2**31), due))
        spoilt = trace[:-3] + random.choice(string.hexdigits) + trace[-2:]
        log = {"message": f'Принял задачу "Load test {random.choice((trace, spoilt))}" в работу.'}
        return text_frame(b"42" + json.dumps(["agentLog", log], ensure_ascii=False).encode())
    if kind < 0.9:
        update = {"taskId": f"{random.randrange(16**8):08x}-0000-4000-8000-000000000000", "newStatus": "FAILED"}
        return text_frame(b"42" + json.dumps(["taskStatusUpdate", update], separators=(",", ":")).encode())
    if kind < 0.998:
        number = random.choice(("43", "6", "42/other,", "4377", "42777"))
        return text_frame(number.encode() + body)
    return random.choice(
        (
            text_frame(random_bytes(30)),
            text_frame(b"4" + random_bytes(10)),
            random_bytes(20),
            text_frame(b"x"),
            text_frame(random_bytes(20), opcode=2),
            text_frame(b"\x03", opcode=8),
            text_frame(b"452-" + body),
            text_frame(b"44" + body),
            text_frame(b"45" + body),
            b"\xc1\x05hello",
        )
    )


class Hostile:
    """A server that opens as it should, and then says odd things until it is left alone."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.server = StreamServer(("127.0.0.1", 0), self._serve)
        self.server.start()

    def _serve(self, connection: Any, _address: Any) -> None:
        try:
            head = connection.recv(65536)
            key = head.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
            accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
            answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            connection.sendall(answer + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            opened = {"sid": "s", "upgrades": [], "pingInterval": 25000, "pingTimeout": 20000}
            connection.sendall(text_frame(b"0" + json.dumps(opened).encode()))
            connection.recv(65536)
            connection.sendall(text_frame(b'40{"sid":"n"}'))
            while self.left > 0:
                frames = [odd_packet() for _ in range(random.randrange(1, 40))]
                data = b"".join(frames) + text_frame(b"2")
                cut = random.randrange(len(data))
                connection.sendall(data[:cut])
                gevent.sleep(0)
                connection.sendall(data[cut:])
                # The answer to the ping: it has taken all of them.
                if not connection.recv(65536):
                    return
                self.left -= len(frames)
        except OSError:
            pass  # the client has had enough of it
        finally:
            connection.close()


def receive(number: int) -> dict[str, Any]:
    hostile = Hostile(number)
    meter = Meter("0123abcd", Reader())
    endpoint = Endpoint(f"http://127.0.0.1:{hostile.server.server_port}")
    sizes, sessions, refused = [], 0, 0
    quarter = number // 4
    while hostile.left > 0:
        client = Client(endpoint, "token", reconnects=False, patience_s=5)
        account = meter.open_account()
        client.socket.observe(meter, Reader.events, account.number)
        account.joined(0, 1)
        client.listen("joinedRoom", "pong", "x")
        sessions += 1
        try:
            client.connect()
        except FAILURES:
            refused += 1  # it was odd before the namespace was joined
            continue
        while client.connected and hostile.left > 0:
            gevent.sleep(0.01)
            client.heard.clear()
            if number - hostile.left >= quarter * (len(sizes) + 1):
                sizes.append(rss_mb())
                meter.take_report(1, {}, {})
        account.ended(2)
        client.disconnect()
    gevent.sleep(0.2)
    counters = dict(meter.counters)
    return {
        "sent": number - max(hostile.left, 0),
        "sessions": sessions,
        "refused": refused,
        "received": meter.received,
        "corrupt": counters.get("corrupt", 0),
        "sizes_mb": [*sizes, rss_mb()],
    }


if __name__ == "__main__":
    mode, *arguments = sys.argv[1:]
    if mode == "send":
        url, token, room, count = arguments
        found = send(url, token, room, int(count))
    else:
        found = receive(int(arguments[0]))
    sys.stdout.write(json.dumps(found) + "\n")
