"""`make bench`: CPU and memory of each client on one server, in turn, several rounds; medians and ratios.

Every round runs every client, so that a machine that is slower for a while is slower for all of them. Claims are
ratios of one round. CPU is user and system time of the client process alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
RESULTS: Final = HERE / "results.json"
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE_KB: Final = os.sysconf("SC_PAGE_SIZE") // 1024
_SETTLE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Peer:
    """A client to compare. rate_per_s: broadcasts a second that it can follow. needs: what has to be there."""

    name: str
    command: tuple[str, ...]
    rate_per_s: float
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """One client in one round. delivery_us and connect_ms: CPU. connection_kb: memory added by connecting."""

    delivery_us: float
    connect_ms: float
    connection_kb: float
    complete: bool


def peers(folder: Path, rate_per_s: float) -> tuple[list[Peer], list[str]]:
    """The clients that are there, and the names of those that are not."""
    floor = folder / "floor"
    known = [
        Peer("floor", (str(floor),), rate_per_s, needs=("gcc",)),
        Peer("measured", (sys.executable, "-m", "bench.clients.measured"), rate_per_s),
        # It falls behind for good at the rate of the others.
        Peer("contrib", (sys.executable, "-m", "bench.clients.contrib"), rate_per_s / 5),
        Peer("node", ("node", str(HERE / "clients" / "node.mjs")), rate_per_s, needs=("node",)),
    ]
    missing = [peer.name for peer in known if not all(shutil.which(tool) for tool in peer.needs)]
    if "floor" not in missing:
        source = str(HERE / "clients" / "floor.c")
        subprocess.run(["gcc", "-O2", "-o", str(floor), source], check=True)
    return [peer for peer in known if peer.name not in missing], missing


def cpu_s(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_kb(pid: int) -> int:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_KB


def start(command: list[str]) -> subprocess.Popen[str]:
    """A child that is spoken to in lines."""
    return subprocess.Popen(command, cwd=HERE.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def line(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The next line of a child."""
    assert process.stdout is not None
    said: dict[str, Any] = json.loads(process.stdout.readline())
    return said


def measure(peer: Peer, connections: int, seconds: float) -> Measured:
    """One client against a server of its own."""
    server = start(["node", str(HERE / "server.mjs")])
    port = line(server)["port"]
    client = start([*peer.command, str(port), str(connections)])
    assert server.stdin is not None
    assert client.stdin is not None
    try:
        line(client)
        before_s, before_kb = cpu_s(client.pid), rss_kb(client.pid)
        line(client)
        connected_s, connected_kb = cpu_s(client.pid), rss_kb(client.pid)
        time.sleep(_SETTLE_S)
        idle_s = cpu_s(client.pid)
        server.stdin.write(f"burst {peer.rate_per_s} {seconds}\n")
        server.stdin.flush()
        burst = line(server)
        time.sleep(_SETTLE_S)
        busy_s = cpu_s(client.pid) - idle_s
        client.stdin.close()
        said = line(client)
    finally:
        client.kill()
        client.wait()
        server.kill()
        server.wait()
    deliveries = burst["sent"] * burst["members"]
    return Measured(
        delivery_us=busy_s / deliveries * 1e6,
        connect_ms=(connected_s - before_s) / connections * 1000,
        connection_kb=(connected_kb - before_kb) / connections,
        complete=burst["members"] == connections and said.get("received", deliveries) == deliveries,
    )


def spread(values: list[float]) -> dict[str, float]:
    """Median and extremes."""
    return {
        "median": round(statistics.median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }


def summarise(rounds: list[dict[str, Measured]]) -> dict[str, dict[str, float]]:
    """The figures by name, each over all rounds; ratios are taken within a round."""
    names = rounds[0]
    found: dict[str, list[float]] = {}
    for one in rounds:
        ours = one["measured"]
        found.setdefault("connect_cpu_ms", []).append(ours.connect_ms)
        found.setdefault("kb_per_connection", []).append(ours.connection_kb)
        if "floor" in names:
            ratio = ours.delivery_us / one["floor"].delivery_us
            found.setdefault("measured_over_floor", []).append(ratio)
        for peer in ("contrib", "node"):
            if peer in names:
                found.setdefault(f"{peer}_over_measured", []).append(one[peer].delivery_us / ours.delivery_us)
    return {name: spread(values) for name, values in found.items()}


def main() -> None:
    """Run the rounds, print the table, write the results."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--rate", type=float, default=50.0, help="broadcasts a second to one room of all")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--only", help="clients to compare, with commas (default: all that are here)")
    options = parser.parse_args()
    rounds: list[dict[str, Measured]] = []
    with tempfile.TemporaryDirectory(prefix="loadtest-bench-") as folder:
        there, missing = peers(Path(folder), options.rate)
        if options.only:
            there = [peer for peer in there if peer.name in options.only.split(",")]
        for name in missing:
            sys.stdout.write(f"left out: {name} is not installed here\n")
        for number in range(options.rounds):
            one = {}
            for peer in there:
                one[peer.name] = found = measure(peer, options.connections, options.seconds)
                note = "" if found.complete else "  (fell behind)"
                sys.stdout.write(
                    f"round {number + 1}  {peer.name:10} {found.delivery_us:7.2f} µs/delivery  "
                    f"{found.connect_ms:6.2f} ms/connect  {found.connection_kb:7.1f} KB/connection{note}\n"
                )
                sys.stdout.flush()
            rounds.append(one)
    results = summarise(rounds)
    if not options.only:
        RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    for name, figure in results.items():
        sys.stdout.write(f"{name:22} {figure['median']:7.2f}  ({figure['min']:.2f} to {figure['max']:.2f})\n")


if __name__ == "__main__":
    main()
