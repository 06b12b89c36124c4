"""The programs that canaries need on the machine that they run on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loadtest.canaries import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE: Final = Path(__file__).parent
_MODULES: Final = HERE / "node_modules"


def browser_of(client: kinds.Client) -> str:
    """Return the browser's executable on this machine; empty if there is none, or if the client runs on node."""
    return next(filter(shutil.which, client.programs), "")


def missing(names: Iterable[str]) -> list[list[str]]:
    """Return what this machine lacks for canaries of these names: pairs of what is missing and what to do."""
    found = [kinds.named(name) for name in names]
    if not found:
        return []
    lacks = []
    if shutil.which("node") is None:
        lacks.append(["expected the program node, got none", "Install node (Debian: apt-get install nodejs)."])
    if not _MODULES.is_dir():
        lacks.append(
            ["expected the official clients in loadtest/canaries/node_modules, got none", "Run `make canaries`."]
        )
    browsers = dict.fromkeys(kind.client for kind in found if kind.client.programs)
    return lacks + [
        [
            f"expected one of the programs {', '.join(client.programs)} for {client.name}, got none",
            f"Install it (Debian: apt-get install {client.package}), or leave {client.name} out.",
        ]
        for client in browsers
        if not browser_of(client)
    ]
