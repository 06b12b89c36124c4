"""A few machines of our own: network namespaces on one bridge, and processes with clocks that are wrong."""

from __future__ import annotations

import itertools
import os
import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HUB_ADDRESS = "10.99.0.1"
"""Where the first machine is reached; nothing outside of the namespaces can reach it, nor the other way round."""

_numbers = itertools.count()


def may_make_namespaces() -> bool:
    """Whether this machine lets us."""
    return os.geteuid() == 0 and subprocess.run(["unshare", "--net", "true"], check=False).returncode == 0


def wrong_clock(folder: Path, offset_s: float, rate: float = 1.0) -> dict[str, str]:
    """The environment of a process whose wall clock is off and runs at another rate.

    :param folder: for the library that makes it so.
    """
    library = folder / "wrong_clock.so"
    if not library.exists():
        source = Path(__file__).with_name("wrong_clock.c")
        command = ["gcc", "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-lm", "-ldl"]
        subprocess.run(command, check=True)
    return {
        "LD_PRELOAD": str(library),
        "WRONG_CLOCK_OFFSET_S": str(offset_s),
        "WRONG_CLOCK_RATE": str(rate),
    }


class Network:
    """One machine in the middle, and others around it.

    :param machines: how many others.
    """

    def __init__(self, machines: int) -> None:
        run = f"lt{os.getpid()}x{next(_numbers)}"
        self.hub = f"{run}hub"
        self.others = [f"{run}m{number}" for number in range(machines)]

    def command(self, machine: str, *command: str) -> list[str]:
        """A command, to be run on a machine."""
        return ["ip", "netns", "exec", machine, *command]

    def cut_off(self, number: int) -> None:
        """Pull the n-th machine's cable."""
        _ip("-n", self.hub, "link", "set", f"port{number}", "down")

    def restore(self, number: int) -> None:
        """Plug it in again."""
        _ip("-n", self.hub, "link", "set", f"port{number}", "up")

    def drop(self, number: int, port: int, percent: int) -> None:
        """Have the n-th machine lose a share of what comes from a port of others, from now on; 0 for nothing."""
        rules = ["flush ruleset"]
        if percent:
            hook = "{ type filter hook input priority 0; }"
            some = "" if percent == 100 else f"numgen random mod 100 < {percent} "
            rules += ["add table inet loss", f"add chain inet loss in {hook}"]
            rules.append(f"add rule inet loss in tcp sport {port} {some}drop")
        command = self.command(self.others[number], "nft", "; ".join(rules))
        subprocess.run(command, check=True, capture_output=True)


@contextmanager
def network(machines: int) -> Iterator[Network]:
    """Namespaces, a bridge between them, and nothing left of it at the end."""
    net = Network(machines)
    with ExitStack() as stack:
        for name in (net.hub, *net.others):
            _ip("netns", "add", name)
            stack.callback(_ip, "netns", "del", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", net.hub, "link", "add", "bridge", "type", "bridge")
        _ip("-n", net.hub, "addr", "add", f"{HUB_ADDRESS}/24", "dev", "bridge")
        _ip("-n", net.hub, "link", "set", "bridge", "up")
        for number, name in enumerate(net.others):
            port = f"port{number}"
            _ip("-n", net.hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("-n", net.hub, "link", "set", port, "master", "bridge", "up")
            _ip("-n", name, "addr", "add", f"10.99.0.{10 + number}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
        yield net


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
