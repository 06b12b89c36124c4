"""`make hold`: very many users in one process and one room; every broadcast must reach every one of them."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from lab.bench.__main__ import Course
from lab.bench.peers import all_peers

_CHUNK_S = 10.0


def main() -> None:
    """Connect, broadcast, count; exit code 1 if anybody was dropped or anything is missing."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.hold", description=__doc__)
    parser.add_argument("--users", type=int, default=15_000)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--rate", type=float, default=1.0, help="broadcasts a second to the room of all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loadtest-hold-") as name, ExitStack() as stack:
        folder = Path(name)
        ours = next(peer for peer in all_peers(folder) if peer.name == "measured")
        course = Course(stack, ours, folder, options.users)
        idle_s = course.client.cpu_s()
        deliveries = 0
        until_s = time.monotonic() + options.seconds
        while time.monotonic() < until_s:
            deliveries += course.burst(options.rate, min(_CHUNK_S, options.seconds))["deliveries"]
        busy_s, _ = course.client.settle(30.0)
        members = course.server.tell("members")["members"]
        said = course.client.hang_up()
    found = {
        "users": options.users,
        "connected_in_s": round(course.connecting_s, 1),
        "connect_cpu_ms": round(course.connect_ms or 0.0, 2),
        "kb_per_user": round(course.connection_kb or 0.0, 1),
        "held_s": options.seconds,
        "members_at_the_end": members,
        "lost_connections": said["lost"],
        "deliveries_expected": deliveries,
        "deliveries": said["received"],
        "us_per_delivery_with_pings": round((busy_s - idle_s) / max(said["received"], 1) * 1e6, 2),
    }
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    whole = found["deliveries"] == found["deliveries_expected"]
    if not whole or members != options.users or said["lost"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
