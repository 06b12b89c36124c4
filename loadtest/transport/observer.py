"""What the transport shows broadcasts to, before anybody decodes them."""

from __future__ import annotations

from typing import Final, Protocol


class Observer(Protocol):
    """Sees chosen events of any number of connections. Called in the hub: it must not block."""

    def observe(self, member: int, event: str, frame: bytes, received_ns: int) -> None:
        """One event arrived, with its last attachment if it has any.

        :param member: the number that the observer gave the connection.
        :param frame: the packet's text as it came, undecoded and perhaps broken. Before its array stand
            two types, `N-` if N attachments came with it, and the id of an acknowledgement if it wants one.
        :param received_ns: nanoseconds since the epoch; see `receive_clock`. It is a `Coalesced` if the event was
            read together with later ones.
        """
        ...

    def at(self, instance: str) -> Observer:
        """Who observes connections to one instance of the server, where it says which it is."""
        ...


class _Nobody:
    def observe(self, member: int, event: str, frame: bytes, received_ns: int) -> None:
        """Nobody has asked for anything."""

    def at(self, instance: str) -> Observer:  # noqa: ARG002 - nobody looks from anywhere
        """Nobody."""
        return self


NOBODY: Final[Observer] = _Nobody()
"""Where nobody observes."""
