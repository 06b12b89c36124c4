"""A bad network before a backend: the relay of `network`, with the address that clients have to connect to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from network.conditions import Conditions
from network.relay import Relay

if TYPE_CHECKING:
    from random import Random

    from backend.endpoint import Endpoint

__all__ = ["Conditions", "Network"]


class Network(Relay):
    """See `network.relay.Relay`.

    :param endpoint: the backend; without TLS.
    :param conditions: of both directions; each may be changed at any time.
    :param random: makes the losses repeatable.
    """

    def __init__(self, endpoint: Endpoint, conditions: Conditions, random: Random) -> None:
        parts = urlsplit(endpoint.host)
        super().__init__((parts.hostname or "", parts.port or 80), random, conditions)
        self.endpoint = replace(endpoint, host=f"http://127.0.0.1:{self.port}")
        """Where clients have to connect."""
