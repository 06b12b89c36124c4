"""REST calls from several local addresses in turn, for a backend that throttles each address on its own."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from loadtest.backends.rest import Answer, RestClient

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

_THROTTLED = 429


class SpreadRestClient(RestClient):
    """A `RestClient` that repeats a throttled call from its next address.

    :param host: the backend's URL.
    :param addresses: local addresses, at least one.
    :param ssl_context: for https; None for the system's trust.
    """

    def __init__(self, host: str, addresses: Sequence[str], ssl_context: ssl.SSLContext | None = None) -> None:
        super().__init__(host, addresses[0], ssl_context=ssl_context)
        self._others = [RestClient(host, address, ssl_context=ssl_context) for address in addresses[1:]]
        self._sends = deque([super().send, *(other.send for other in self._others)])
        """One for each address, in the order of trying."""

    def send(self, method: str, path: str, token: str | None = None, body: Any = None) -> Answer:
        """Send one request and wait for its answer; it is 429 only if every address is throttled.

        :raises UnreachableError: if there is no answer.
        """
        for _ in self._others:
            answer = self._sends[0](method, path, token, body)
            if answer.status != _THROTTLED:
                return answer
            self._sends.rotate(-1)
        return self._sends[0](method, path, token, body)

    def close(self) -> None:
        """Close all connections."""
        super().close()
        for other in self._others:
            other.close()
