"""`python -m lab.bench.sizing`: what one worker process holds, in CPU, memory, connect rate and delay of its own.

First over the number of users, each of whom gets one delivery a second, in rooms of 500; as viewers, and as one
audience. Then over the deliveries a second, up to the knee: where it takes the process more than 25 ms (p99) to
deal with what the kernel has received, which is where a run becomes suspect, or where the server cannot follow.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.bench.__main__ import Course
from lab.bench.children import HERE, ROOT
from lab.bench.figures import put_into
from lab.bench.peers import all_peers
from lab.bench.sizing_figures import THE_CLIENT, THE_SERVER, Point, knee, table
from lab.bench.sizing_picture import draw
from loadtest.measurement.validity import DELAY_SUSPECT_MS

if TYPE_CHECKING:
    from lab.bench.peers import Peer

RESULTS: Final = HERE / "sizing.json"
PAGE: Final = ROOT / "docs" / "sizing.md"
PICTURE: Final = ROOT / "docs" / "sizing.png"
KINDS: Final = {"measured": "viewers", "audience": "audience"}
_SPAWN_RATE: Final = 1000
_SETTLE_S: Final = 30.0
_STEP: Final = 1.3
_FOLLOWS: Final = 0.9


class Held:
    """A process with users that are connected, and its server.

    :param options: of the command.
    """

    def __init__(
        self, stack: ExitStack, peer: Peer, folder: Path, users: int, options: argparse.Namespace
    ) -> None:
        rooms = max(users // options.room, 1)
        self._users = users
        self._room = users / rooms
        more = ("--rooms", str(rooms), "--spawn-rate", str(_SPAWN_RATE))
        self._course = Course(stack, peer, folder, users, *more)
        client = self._course.client
        before_s, _ = client.settle(_SETTLE_S)
        time.sleep(options.seconds)
        self._idle_percent = (client.cpu_s() - before_s) / options.seconds * 100
        self._due = 0

    def point(self, deliveries_per_s: float, seconds: float) -> Point | None:
        """With so many deliveries a second; None if the server cannot send them."""
        course = self._course
        client = course.client
        client.tell("so far")
        before_s = client.cpu_s()
        burst = course.burst(deliveries_per_s / self._room, seconds)
        cpu_percent = (client.cpu_s() - before_s) / burst["seconds"] * 100
        if burst["seconds"] * _FOLLOWS > seconds:
            return None
        self._due += burst["deliveries"]
        busy_s, _ = client.settle(_SETTLE_S)
        said = client.tell("so far")
        idle_s = self._idle_percent / 100 * burst["seconds"]
        return Point(
            users=self._users,
            deliveries_per_s=round(burst["deliveries"] / burst["seconds"], 1),
            connects_per_s=round(self._users / course.connecting_s, 1),
            connect_ms=round(course.connect_ms or 0.0, 3),
            kb=round(course.connection_kb or 0.0, 2),
            rss_mb=round(client.rss_kb() / 1024, 1),
            idle_percent=round(self._idle_percent, 2),
            cpu_percent=round(cpu_percent, 1),
            delivery_us=round((busy_s - before_s - idle_s) / burst["deliveries"] * 1e6, 2),
            delay_p99_ms=round(statistics.median(said["delays_ms"]), 3),
            sent_again=said["sent_again"],
            whole=said["received"] == self._due and said["lost"] == 0,
        )


def over_users(peer: Peer, folder: Path, options: argparse.Namespace) -> list[Point]:
    """Each number of users in a process of its own."""
    found = []
    for users in options.users:
        with ExitStack() as stack:
            point = Held(stack, peer, folder, users, options).point(float(users), options.seconds)
        assert point is not None, "one delivery a second for each is nothing for the server"
        found.append(_told(peer, point))
    return found


def over_rates(peer: Peer, folder: Path, options: argparse.Namespace) -> tuple[list[Point], str]:
    """Ever more deliveries a second, and what ended it."""
    found: list[Point] = []
    with ExitStack() as stack:
        held = Held(stack, peer, folder, options.rate_users, options)
        rate = float(options.rate_users)
        while (point := held.point(rate, options.seconds)) is not None:
            found.append(_told(peer, point))
            if point.delay_p99_ms > DELAY_SUSPECT_MS:
                return found, THE_CLIENT
            rate *= _STEP
    return found, THE_SERVER


def main() -> None:
    """Measure, write the figures, the page's tables and the picture."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.sizing", description=__doc__)
    parser.add_argument("--users", type=int, nargs="+", default=[1000, 2500, 5000, 10_000, 15_000])
    parser.add_argument("--rate-users", type=int, default=5000)
    parser.add_argument("--room", type=int, default=500, help="users of one room")
    parser.add_argument(
        "--seconds", type=float, default=15.0, help="of pings only, and of deliveries, at each point"
    )
    parser.add_argument("--dry", action="store_true", help="write nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loadtest-sizing-") as name:
        folder = Path(name)
        peers = {peer.name: peer for peer in all_peers(folder)}
        users = {told: over_users(peers[kind], folder, options) for kind, told in KINDS.items()}
        rates, ended_by = over_rates(peers["measured"], folder, options)
    found = {
        "when": time.strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, the server on the same machine",
        "over_users": {kind: [asdict(point) for point in points] for kind, points in users.items()},
        "rate_users": options.rate_users,
        "over_rates": [asdict(point) for point in rates],
        "ended_by": ended_by,
        "knee": asdict(knee(rates)),
    }
    sys.stdout.write(table(found))
    if not options.dry:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(put_into(page, "sizing", table(found)), encoding="utf-8")
        draw(found, PICTURE)
    if not all(point.whole for points in (*users.values(), rates) for point in points):
        sys.exit("not everybody got everything")


def _told(peer: Peer, point: Point) -> Point:
    sys.stderr.write(f"{peer.name}: {json.dumps(asdict(point))}\n")
    return point


if __name__ == "__main__":
    main()
