"""What a frame turns out to be: the words between a backend's reader and the meter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from .trace import Trace


@dataclass(frozen=True, slots=True)
class Slot:
    """One of the broadcasts that a trigger makes and that can be told apart, e.g. the first status update."""

    event: str
    label: str = ""


class Traced(NamedTuple):
    """A broadcast that carries its trace."""

    slot: int
    trace: Trace


class Keyed(NamedTuple):
    """A broadcast that carries an id which leads back to its trigger."""

    slot: int
    key: str


class Corrupt(NamedTuple):
    """A broadcast whose trace was damaged on the way."""


class Untraced(NamedTuple):
    """A broadcast that cannot be led back to its trigger: counted by the step of the burst that it is."""

    step: str


Sighting = Traced | Keyed | Corrupt | Untraced


class FrameReader(Protocol):
    """How a backend's broadcasts carry traces; implemented beside the backend's contract."""

    slots: tuple[Slot, ...]
    """The traced broadcasts of one trigger."""
    events: tuple[str, ...]
    """The names of all events that broadcasts come by."""
    untraced: tuple[str, ...]
    """The steps of a trigger's burst that cannot be led back, in order; each is one broadcast."""

    def read(self, event: str, frame: bytes) -> Sighting:
        """Tell what a frame is; `frame` is the Socket.IO packet's text, undecoded."""
        ...
