"""`make bench`: CPU and memory of each client on one server, in turn, several rounds; medians and ratios.

Every round runs every client, so that a machine that is slower for a while is slower for all of them. Claims are
ratios of one round. CPU is user and system time of the client alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lab.bench.children import HERE, ROOT, Child
from lab.bench.figures import Measured, put_into, spread, summarise, table
from lab.bench.peers import all_peers

if TYPE_CHECKING:
    from lab.bench.peers import Peer

RESULTS: Final = HERE / "results.json"
PAGE: Final = ROOT / "docs" / "beside-others.md"
_CONNECT_S: Final = 120.0
_SETTLE_S: Final = 20.0
_STEP: Final = 1.25
_BURST_S: Final = 2.0
_PACE: Final = 1.1
_FRAME_BYTES: Final = 270
_LATE_S: Final = 0.1
_REST_S: Final = 1.3


class Course:
    """A server of its own for one client, and the client, connected.

    :param folder: has the certificate, and takes what they log.
    :param more: arguments of the client.
    """

    def __init__(self, stack: ExitStack, peer: Peer, folder: Path, connections: int, *more: str) -> None:
        log = stack.enter_context((folder / f"{peer.name}.log").open("a"))
        keys = [str(folder / "key.pem"), str(folder / "cert.pem")] if peer.tls else []
        self.server = stack.enter_context(Child(["node", str(HERE / "server.mjs"), *keys], log))
        url = f"{'https' if peer.tls else 'http'}://127.0.0.1:{self.server.line()['port']}"
        command = [*peer.command(url, connections), *more]
        self.client = stack.enter_context(Child(command, log, speaks=peer.speaks))
        self.connect_ms: float | None = None
        self.connection_kb: float | None = None
        self.connecting_s = float("nan")
        if peer.speaks:
            self.client.line()
            began_s = time.monotonic()
            before_s, before_kb = self.client.cpu_s(), self.client.rss_kb()
            self.client.line()
            self.connecting_s = time.monotonic() - began_s
            self.connect_ms = (self.client.cpu_s() - before_s) / connections * 1000
            self.connection_kb = (self.client.rss_kb() - before_kb) / connections
        else:
            self._wait_for(connections)

    def burst(self, rate_per_s: float, seconds: float) -> dict[str, Any]:
        """Have the server broadcast to the room of all."""
        return self.server.tell(f"burst {rate_per_s} {seconds}")

    def _wait_for(self, connections: int) -> None:
        deadline_s = time.monotonic() + _CONNECT_S
        while self.server.tell("members")["members"] < connections:
            if time.monotonic() > deadline_s:
                raise TimeoutError("a client did not join in time; see its own output")
            time.sleep(0.2)


def measure(peer: Peer, folder: Path, options: argparse.Namespace) -> Measured:
    """One client in one round."""
    with ExitStack() as stack:
        course = Course(stack, peer, folder, options.connections)
        idle_s, _ = course.client.settle(_SETTLE_S)
        burst = course.burst(options.rate * peer.share, options.seconds)
        busy_s, rested = course.client.settle(_SETTLE_S)
        deliveries = burst["deliveries"]
        received = course.client.hang_up().get("received", deliveries) if peer.speaks else deliveries
        return Measured(
            delivery_us=(busy_s - idle_s) / deliveries * 1e6,
            connect_ms=course.connect_ms,
            connection_kb=course.connection_kb,
            complete=rested and burst["members"] == options.connections and received == deliveries,
        )


def most_deliveries_per_s(peer: Peer, folder: Path, options: argparse.Namespace) -> tuple[float, str]:
    """The highest rate at which latency does not climb, and what ends the search.

    Clients that measure no latency can be judged too: by how many broadcasts wait for them in the kernel when the
    last one was sent, and by how long they go on working then.
    """
    with ExitStack() as stack:
        course = Course(stack, peer, folder, options.connections)
        course.client.settle(_SETTLE_S)
        rate_per_s = options.rate * peer.share / 2
        held = 0.0
        while True:
            burst = course.burst(rate_per_s, _BURST_S)
            behind_bytes = course.client.unread_bytes()
            behind = behind_bytes / (_FRAME_BYTES * burst["members"])
            before_s = time.monotonic()
            course.client.settle(_SETTLE_S)
            if behind > max(_LATE_S * rate_per_s, 2) or time.monotonic() - before_s > _REST_S:
                return held, "the client"
            if burst["seconds"] > _BURST_S * _PACE:
                return held, "the server"
            held = rate_per_s * burst["members"]
            rate_per_s *= _STEP


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--rate", type=float, default=50.0, help="broadcasts a second to one room of all")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument(
        "--only", help="clients to compare, with commas; writes nothing (default: all that are here)"
    )
    return parser.parse_args()


def main() -> None:
    """Run the rounds, print the table, write the results."""
    options = parse()
    rounds: list[dict[str, Measured]] = []
    with tempfile.TemporaryDirectory(prefix="loadtest-bench-") as name:
        folder = Path(name)
        chosen = options.only.split(",") if options.only else None
        there = [peer for peer in all_peers(folder) if chosen is None or peer.name in chosen]
        for peer in there:
            if peer.missing:
                sys.stdout.write(f"left out: {peer.name}, {peer.missing} is not installed\n")
        there = [peer for peer in there if not peer.missing]
        if any(peer.tls for peer in there):
            make_certificate(folder)
        for number in range(options.rounds):
            one = {}
            for peer in there:
                one[peer.name] = measure(peer, folder, options)
                tell_one(number, peer.name, one[peer.name])
            rounds.append(one)
        results = summarise(rounds)
        for peer in there:
            if peer.name in ("measured", "node", "contrib"):
                most, limit = most_deliveries_per_s(peer, folder, options)
                sys.stdout.write(f"{peer.name} holds {most:.0f} deliveries/s; then {limit} falls behind\n")
                results[f"{peer.name}_most_deliveries_per_s"] = spread([most])
    for name, figure in results.items():
        sys.stdout.write(f"{name:32} {figure['median']:9.2f}  ({figure['min']:.2f} to {figure['max']:.2f})\n")
    if chosen is None:
        RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(put_into(page, "bench", table(results, time.strftime("%Y-%m-%d"))), encoding="utf-8")


def make_certificate(folder: Path) -> None:
    """A key and a certificate that nobody has signed."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=bench"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True)


def tell_one(number: int, name: str, found: Measured) -> None:
    """A line for one client in one round."""
    line = f"round {number + 1}  {name:13} {found.delivery_us:7.2f} µs/delivery"
    if found.connect_ms is not None:
        line += f"  {found.connect_ms:6.2f} ms/connect  {found.connection_kb:7.1f} KB/connection"
    sys.stdout.write(line + ("\n" if found.complete else "  (fell behind)\n"))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
