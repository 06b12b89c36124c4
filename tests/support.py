"""Helpers of the tests: a backend in a process of its own, and a client that speaks raw Engine.IO."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import urllib3
import websocket

from loadtest.backends import tokens
from loadtest.backends.prometheus.rows import OwnedRoom
from loadtest.processes import free_port, locust_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
SECRET = "the-secret-of-the-tests-0123456789"
ANSWER_S = 10.0
_LOADED_TASKS = 10


@dataclass
class Backend:
    """A reference backend that runs."""

    process: subprocess.Popen[str]
    url: str
    database_url: str
    profile: str

    @property
    def by_sql(self) -> dict[str, str]:
        """The options for making data by SQL, as variables."""
        return {"LOCUST_DATABASE_URL": self.database_url, "LOCUST_JWT_SECRET": SECRET}

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def request(
        self, method: str, path: str, token: str | None = None, body: Any = None, source: str | None = None
    ) -> tuple[int, Mapping[str, str], Any]:
        """One REST call: status, headers, JSON."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        address = (source, 0) if source else None
        with urllib3.PoolManager(retries=False, timeout=ANSWER_S, source_address=address) as pool:
            response = pool.request(method, self.url + path, body=data, headers=headers)
            return response.status, response.headers, json.loads(response.data)

    def breaks(self, *breakages: str) -> None:
        """Have it do these wrong, and nothing else; it has to be breakable."""
        assert self.request("PUT", "/reference/breakages", body=list(breakages))[0] == 200

    def breaks_once_loaded(self, *breakages: str) -> None:
        """The same, as soon as a run publishes to it; returns at once."""

        def wait() -> None:
            until(lambda: self.sql("SELECT count(*) FROM tasks")[0][0] > _LOADED_TASKS)
            self.breaks(*breakages)

        threading.Thread(target=wait, daemon=True).start()

    def sql(self, query: str, parameters: Any = None) -> list[Any]:
        """Rows of a query."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def token(self, room: OwnedRoom, lifetime_s: int = 3600) -> str:
        """A token of a room's owner."""
        return tokens.Mint(SECRET).token(room.user_id, room.email, int(time.time()), lifetime_s)


def start_backend(profile: str, *more: str, prefix: Sequence[str] = ()) -> Backend:
    """Start a reference backend on a free port with a PostgreSQL of its own.

    :param prefix: a command that starts it.
    """
    command = [
        *prefix,
        sys.executable,
        "-m",
        "lab.reference_backend",
        "--profile",
        profile,
        "--jwt-secret",
        SECRET,
        *more,
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("reference-backend: "), f"the backend did not start: {line!r}"
    _, url, database_url = line.split()
    return Backend(process, url, database_url, profile)


@contextmanager
def node_server(script: str, options: Mapping[str, Any]) -> Iterator[str]:
    """A server of `tests/contract/` on node, as long as it is wanted; its URL.

    :param options: as JSON, its one argument.
    """
    with server_of("node", str(ROOT / "tests" / "contract" / script), json.dumps(options)) as url:
        yield url


@contextmanager
def server_of(*command: str) -> Iterator[str]:
    """A server that prints its port on this machine, as long as it is wanted; its URL."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


class Wire:
    """A WebSocket to a backend's Engine.IO, frame by frame."""

    def __init__(self, backend: Backend, query: str = "EIO=4&transport=websocket") -> None:
        address = backend.url.replace("http", "ws", 1)
        self.socket = websocket.create_connection(f"{address}/socket.io/?{query}", timeout=ANSWER_S)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, text: str) -> None:
        self.socket.send(text)

    def receive(self, timeout_s: float = ANSWER_S) -> str:
        """The next text frame, pings left out; fails after the time."""
        self.socket.settimeout(timeout_s)
        while (frame := self.socket.recv()) == "2":
            self.send("3")
        assert isinstance(frame, str)
        return frame

    def connect(self, auth: dict[str, Any] | None = None) -> str:
        """Open, connect to the default namespace; the answer's frame."""
        assert self.receive().startswith("0{")
        self.send("40" + (json.dumps(auth) if auth is not None else ""))
        return self.receive()

    def emit(self, event: str, *arguments: Any, ack: int | None = None) -> None:
        number = "" if ack is None else str(ack)
        self.send(f"42{number}" + json.dumps([event, *arguments]))

    def event(self, timeout_s: float = ANSWER_S) -> list[Any]:
        """The next event: [name, arguments…]."""
        frame = self.receive(timeout_s)
        assert frame.startswith("42["), frame
        decoded: list[Any] = json.loads(frame[2:])
        return decoded

    def is_silent(self, for_s: float = 0.4) -> bool:
        """Whether nothing comes; what is awaited after it tells whether something else was in between."""
        try:
            frame = self.receive(for_s)
        except websocket.WebSocketTimeoutException:
            return True
        raise AssertionError(f"not silent: {frame}")

    def close_code(self) -> int:
        """The code with which the server closes; 1005 if it gives none."""
        self.socket.settimeout(ANSWER_S)
        while True:
            opcode, data = self.socket.recv_data(control_frame=True)
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], "big") if len(data) >= 2 else 1005


def until_said(process: subprocess.Popen[str], words: str) -> str:
    """Read what a process prints until it says something; that line."""
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"the process ended before it said {words!r}")


def until_listening(port: int) -> None:
    """Wait until somebody listens on a port of this machine."""

    def listens() -> bool:
        socket.create_connection(("127.0.0.1", port)).close()
        return True

    until(listens, ANSWER_S, 0.02, not_yet=OSError, told=lambda: f"nobody listens on {port}")


def until(
    happens: Callable[[], object],
    timeout_s: float = 60,
    pause_s: float = 0.1,
    *,
    not_yet: type[Exception] | tuple[()] = (),
    told: Callable[[], object] = lambda: "it did not happen in time",
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Wait until somebody else has come so far.

    :param not_yet: what `happens` raises as long as it has not.
    :param told: what the failure says.
    """
    deadline_s = time.monotonic() + timeout_s
    while True:
        with suppress(not_yet):
            if happens():
                return
        assert time.monotonic() < deadline_s, told()
        sleep(pause_s)


@contextmanager
def web_page(
    host: str,
    log: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    locustfile: Path = ROOT / "locustfile.py",
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Locust with its web page, which answers: (process, URL); ended by SIGTERM."""
    port = free_port()
    command = [sys.executable, "-m", "locust", "-f", str(locustfile), "--host", host]
    command += ["--web-host", "127.0.0.1", "--web-port", str(port), *arguments]
    with log.open("w") as file:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=locust_environment() | dict(environment or {}),
            stdout=file,
            stderr=file,
            text=True,
            start_new_session=True,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            with urllib3.PoolManager(retries=urllib3.Retry(60, backoff_factor=0.1)) as pool:
                assert pool.request("GET", url).status == 200
            yield process, url
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise


def run_locust(
    backend_url: str,
    *arguments: str,
    environment: dict[str, str] | None = None,
    timeout_s: float = 90,
    file_limit: int | None = None,
    locustfile: Path = ROOT / "locustfile.py",
) -> subprocess.CompletedProcess[str]:
    """Run Locust headless, to its end.

    :param file_limit: the hard limit of open files that it gets.
    """
    command = [sys.executable, "-m", "locust", "-f", str(locustfile), "--headless", "--only-summary"]
    return subprocess.run(
        [*command, "--host", backend_url, *arguments],
        cwd=ROOT,
        env={**locust_environment(), **(environment or {})},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        preexec_fn=file_limit and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (file_limit, file_limit))),
    )


def summary_of(results: Path) -> dict[str, Any]:
    """The summary of the newest record of a folder."""
    summary: dict[str, Any] = json.loads((results / "latest" / "summary.json").read_text(encoding="utf-8"))
    return summary


def csv_rows(results: Path, table: str) -> list[dict[str, str]]:
    """A table of the newest record of a folder."""
    with (results / "latest" / f"{table}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def children_of(pid: int) -> Iterator[int]:
    """All processes below one."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    for child in path.read_text().split() if path.exists() else []:
        yield int(child)
        yield from children_of(int(child))


def code_of(summary: Mapping[str, Any]) -> int:
    """Return the exit code that a record states."""
    code: int = summary["outcome"]["exit_code"]
    return code
