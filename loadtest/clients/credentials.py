"""What a client shows of its token, wherever the endpoint wants to see it; asked anew for each connect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.backends.endpoint import Endpoint

Token = str | None
"""A JWT; None connects as a guest."""


class Credentials:
    """See the module.

    :param token: the JWT, or what gives the one that is good now.
    """

    __slots__ = ("_endpoint", "_token")

    def __init__(self, endpoint: Endpoint, token: Token | Callable[[], Token]) -> None:
        self._endpoint = endpoint
        self._token = token

    def _now(self) -> Token:
        return self._token() if callable(self._token) else self._token

    def url(self) -> str:
        """Where to connect."""
        return self._endpoint.url(self._now())

    def headers(self) -> dict[str, str]:
        """What goes along with the handshake."""
        return self._endpoint.headers(self._now())

    def auth(self) -> dict[str, Any]:
        """What goes along with the namespace's CONNECT packet."""
        return self._endpoint.auth(self._now())
