"""Which HTTP proxy a connection goes through, as curl and websocket-client read it from the environment.

`http_proxy` for ws, `https_proxy` for wss, and `no_proxy`; in capitals too.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

if TYPE_CHECKING:
    from collections.abc import Mapping

_NEVER = "localhost,127.0.0.1"
"""What no proxy is asked for, unless no_proxy says otherwise."""
_VARIABLES = {"ws": "http_proxy", "wss": "https_proxy"}


class ProxyError(Exception):
    """A proxy that cannot be used."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. authorization: the header's value, or empty."""

    host: str
    port: int
    authorization: str

    def request(self, host: str, port: int) -> bytes:
        """What asks the proxy for a tunnel (RFC 9110, section 9.3.6)."""
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def proxy_for(scheme: str, host: str, environment: Mapping[str, str] = os.environ) -> Proxy | None:
    """The proxy for a host; None where the connection is direct.

    :param scheme: ws or wss.
    :raises ProxyError: if it is of a kind that is not supported.
    """
    url = _variable(_VARIABLES[scheme], environment)
    bypass = _variable("no_proxy", environment) or _NEVER
    if not url or proxy_bypass_environment(host, {"no": bypass}):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise ProxyError(
            f"{parts.scheme}://{parts.hostname} is no HTTP proxy; unset it, or add {host} to no_proxy"
        )
    authorization = ""
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(user.encode()).decode()
    return Proxy(parts.hostname, parts.port or 80, authorization)


def _variable(name: str, environment: Mapping[str, str]) -> str:
    return environment.get(name) or environment.get(name.upper()) or ""
