"""The backend's REST calls, from a source address of choice; every failure is a fault with an owner."""

from __future__ import annotations

import errno
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import urllib3

from loadtest.backends import connections as rest_connections
from loadtest.backends.prometheus import contract
from loadtest.errors import Fault, Owner
from loadtest.transport import stamped_http

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

_TIMEOUT_S: Final = 10.0
_WAY_ON: Final = "Check that --host is the Prometheus Backend, and look into its log."
_OUR_SIDE = frozenset((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENFILE))
"""Why a connection cannot even be tried."""


class UnreachableError(Exception):
    """A request got no answer: refused, reset, timed out, no such host.

    :param asked: whether the backend may have been asked; not if the way to it ends on our side.
    """

    def __init__(self, reason: str, *, asked: bool) -> None:
        super().__init__(reason)
        self.asked = asked


class ThrottledFault(Fault):
    """The backend answered 429.

    :param retry_after_s: for how long it wants to be left alone.
    """

    def __init__(self, call: str, retry_after_s: float) -> None:
        super().__init__(
            Owner.BACKEND,
            f"{call} was refused with 429: the backend throttles, and wants {retry_after_s:.0f} s of quiet",
            "Raise its limit as on staging, or create the data with --database-url.",
        )
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `body` is its JSON, or its text if it is not JSON.

    took_ms: milliseconds from when the request was sent until the last byte of the answer was received, by the
    kernel's timestamp where there is one; None if the request was not timed. It does not include the connect.
    """

    status: int
    headers: dict[str, str]
    body: Any
    took_ms: float | None = None

    @property
    def message(self) -> str:
        """What the backend says of an error, in one line."""
        said = self.body.get("message", self.body) if isinstance(self.body, dict) else self.body
        return " ".join(str(said).split())[:200]

    def value(self, name: str) -> str:
        """One value of its JSON; empty if it is not there."""
        return str(self.body.get(name, "")) if isinstance(self.body, dict) else ""

    def header(self, name: str) -> str:
        """A header's value; empty if it is not there."""
        return next((value for own, value in self.headers.items() if own.lower() == name.lower()), "")

    @property
    def retry_after_s(self) -> float:
        """How long a 429 asks to wait: the longest that its headers name, else the contract's window."""
        asked_s = self.asked_quiet_s
        return float(contract.THROTTLE_WINDOW_S) if asked_s is None else asked_s

    @property
    def asked_quiet_s(self) -> float | None:
        """Longest wait that the headers name, such as `Retry-After` or `Retry-After-auth`, in seconds; or None."""
        return max((float(value) for name, value in self.headers.items() if _is_wait(name, value)), default=None)


def _is_wait(name: str, value: str) -> bool:
    return name.lower().startswith("retry-after") and value.isdigit()


class RestClient:
    """Keeps connections to one backend.

    :param host: the backend's URL, e.g. `https://staging.example.org`.
    :param source_address: a local address to leave from; None for the system's choice.
    :param connections: how many connections are kept open.
    :param ssl_context: for https; None for the system's trust.
    :param resolver: resolves the host's name; None for urllib3's own way, the first address that works.
    """

    def __init__(
        self,
        host: str,
        source_address: str | None = None,
        connections: int = 8,
        ssl_context: ssl.SSLContext | None = None,
        resolver: rest_connections.Resolver | None = None,
    ) -> None:
        self._host = host.rstrip("/")
        source = (source_address, 0) if source_address else None
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            block=False,
            retries=False,
            timeout=urllib3.Timeout(total=_TIMEOUT_S),
            source_address=source,
            ssl_context=ssl_context,
        )
        self._route = rest_connections.Route(resolver)
        rest_connections.use(self._pool, self._route)

    @property
    def local_address(self) -> str:
        """Local address of the latest connection; empty if there was none."""
        return self._route.local_address

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    def send(self, method: str, path: str, token: str | None = None, body: Any = None) -> Answer:
        """Send one request and wait for its answer, whatever its status.

        :param body: sent as JSON, but bytes as they are.
        :raises UnreachableError: if there is no answer.
        """
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            response = self._pool.request(method, self._host + path, body=data, headers=headers)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnreachableError(_reason(error), asked=not _is_ours(error)) from error
        stamp = stamped_http.stamp_of(response)
        took_ms = None if stamp is None else stamp.took_ns / 1e6
        text = response.data.decode("utf-8", "replace")
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = text
        return Answer(response.status, dict(response.headers), parsed, took_ms)

    def ask(self, method: str, path: str, token: str | None = None, body: Any = None) -> Answer:
        """Send one request that has to be answered, whatever with.

        :raises Fault: if it is not.
        """
        try:
            return self.send(method, path, token, body)
        except UnreachableError as error:
            raise unreachable_fault(self._host, str(error)) from error

    def call(self, method: str, path: str, token: str | None = None, body: Any = None) -> Any:
        """Send one request that has to succeed; the JSON of its answer.

        :raises Fault: whose fault it is, if it does not.
        """
        return self.ask_ok(method, path, token, body).body

    def value(self, name: str, method: str, path: str, token: str | None = None, body: Any = None) -> str:
        """Send one request that has to succeed; one value of the JSON of its answer.

        :raises Fault: whose fault it is, if it does not, or the value is not there.
        """
        answer = self.ask_ok(method, path, token, body)
        if not (found := answer.value(name)):
            said = f"{method} {self._host}{path} was answered with {answer.status}, without {name!r}"
            raise Fault(Owner.BACKEND, said, _WAY_ON)
        return found

    def ask_ok(self, method: str, path: str, token: str | None = None, body: Any = None) -> Answer:
        """Send one request that has to succeed.

        :raises Fault: whose fault it is, if it does not.
        """
        call = f"{method} {self._host}{path}"
        answer = self.ask(method, path, token, body)
        if answer.status == 429:
            raise ThrottledFault(call, answer.retry_after_s)
        if answer.status == 401:
            raise Fault(
                Owner.USER,
                f"{call} was refused with 401: {answer.message}",
                "The backend does not take this token: check --jwt-secret, --token or --account.",
            )
        if answer.status >= 400:
            owner = Owner.BACKEND if answer.status >= 500 else Owner.USER
            raise Fault(
                owner,
                f"{call} failed with {answer.status}: {answer.message}",
                _WAY_ON,
            )
        return answer


def unreachable_fault(host: str, reason: str) -> Fault:
    """The fault of a backend that does not answer."""
    parts = urlsplit(host)
    return Fault(
        Owner.NETWORK,
        f"cannot reach the backend at {parts.scheme}://{parts.netloc}: {reason}",
        "Check --host, and that the backend runs and can be reached from this machine.",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _is_ours(error: BaseException) -> bool:
    return any(isinstance(cause, OSError) and cause.errno in _OUR_SIDE for cause in _causes(error))


def _reason(error: BaseException) -> str:
    """The innermost cause of a urllib3 error, in a few words."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        error = cause
    text = str(error)
    return text.rsplit(": ", 1)[-1] if ": " in text else text or type(error).__name__
