"""A bad network before a backend: the relay of `network`, with the endpoint that clients have to use.

TLS goes through as it is. Clients keep the backend's URL, so that the Host header, the server name and the check
of the certificate are those of the backend.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from loadtest.network.conditions import Conditions
from loadtest.network.relay import Relay
from loadtest.transport.proxy import proxy_for

if TYPE_CHECKING:
    from random import Random

    from loadtest.backends.endpoint import Endpoint

__all__ = ["Conditions", "Network"]

_SCHEMES = {"http": ("ws", 80), "https": ("wss", 443)}


class Network(Relay):
    """See the module and `network.relay.Relay`.

    :param endpoint: the backend; of several instances, the first one.
    :param conditions: of both directions; each may be changed at any time.
    :param random: makes the losses repeatable.
    :raises transport.proxy.ProxyError: if the environment names a proxy for the backend that cannot be used.
    """

    def __init__(self, endpoint: Endpoint, conditions: Conditions, random: Random) -> None:
        parts = urlsplit(endpoint.host)
        host = parts.hostname or ""
        scheme, port = _SCHEMES[parts.scheme]
        proxy = proxy_for(scheme, host)
        super().__init__((proxy.host, proxy.port) if proxy else (host, parts.port or port), random, conditions)
        self.endpoint = replace(endpoint, connect_to=("127.0.0.1", self.port), others=())
        """What clients have to use."""
