"""Connection state recovery: what a client keeps so that a server can send again what it missed.

A server that can do this tells a private id with its answer to the namespace's CONNECT, and puts an offset behind
the arguments of each event. A client that comes back with both gets what was sent meanwhile, before the answer to
its CONNECT, and is in its rooms as before: https://socket.io/docs/v4/connection-state-recovery. The packets are
those of the official client; python-socketio's knows nothing of it.

Pure.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from loadtest.transport.observer import Observer

_OFFSET: Final = re.compile(r"[\w.-]{1,64}")
"""Both of node's adapters that can recover make offsets like this: `Q8OITXY.2` in memory, `1692-0` with Redis."""


class Recovery:
    """What one connection of the default namespace may be recovered by. Observes in place of its observer."""

    __slots__ = ("_last", "_observer", "pid")

    def __init__(self) -> None:
        self.pid = ""
        """The session's private id; empty as long as the server has not told one."""
        self._last: bytes | str = ""
        self._observer: Observer | None = None

    def before(self, observer: Observer) -> Observer:
        """Whom to show observed events from now on: nobody else, as long as there is nothing to be recovered."""
        if not self.pid:
            return observer
        self._observer = observer
        return self

    def observe(self, member: int, event: str, frame: bytes, received_ns: int) -> None:
        """Keep the frame: its offset is looked for when it is needed."""
        self._last = frame
        assert self._observer is not None
        self._observer.observe(member, event, frame, received_ns)

    def at(self, instance: str) -> Observer:
        """As of the observer that it stands before."""
        assert self._observer is not None
        return self._observer.at(instance)

    def connected(self, answer: Any) -> bool:
        """The server answered a CONNECT; whether it has recovered the session.

        :param answer: the packet's data.
        """
        told = answer.get("pid") if isinstance(answer, dict) else None
        # node's msgpack parser says `undefined` where there is none.
        pid = told if isinstance(told, str) else ""
        recovered = bool(pid) and pid == self.pid
        if not recovered:
            self._last = ""
        self.pid = pid
        return recovered

    def strip(self, data: list[Any]) -> list[Any]:
        """The name and the arguments of an event that was decoded, without its offset, which is kept."""
        if not self.pid or len(data) < 2 or not _is_offset(data[-1]):
            return data
        self._last = data[-1]
        return data[:-1]

    @property
    def offset(self) -> str:
        """Of the last event that came; empty if none came."""
        if isinstance(self._last, str):
            return self._last
        try:
            last = json.loads(self._last[self._last.index(b"[") :])[-1]
        except (ValueError, IndexError):
            return ""
        return last if _is_offset(last) else ""

    def present(self, auth: dict[str, Any]) -> dict[str, Any]:
        """What to send with a CONNECT: who we are, and where we were."""
        offset = self.offset
        return {"pid": self.pid, "offset": offset, **auth} if self.pid and offset else auth


def _is_offset(value: Any) -> bool:
    return isinstance(value, str) and _OFFSET.fullmatch(value) is not None


NOTHING: Final = Recovery()
"""Of all connections to servers that recover none."""
