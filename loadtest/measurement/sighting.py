"""What a frame turns out to be: the words between a backend's reader and the meter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from loadtest.measurement.trace import Trace


@dataclass(frozen=True, slots=True)
class Slot:
    """One of the broadcasts that a trigger makes and that can be told apart, e.g. the first status update."""

    event: str
    label: str = ""
    is_completion: bool = False
    """Whether the backend makes it when its work for the trigger is done, at any time after the trigger. The time
    from the trigger is then the duration of that work, not a latency."""


class Traced(NamedTuple):
    """A broadcast that carries its trace."""

    slot: int
    trace: Trace


class Keyed(NamedTuple):
    """A broadcast that carries an id which leads back to its trigger. source: see `Untraced`."""

    slot: int
    key: str
    source: str | None = None


class Corrupt(NamedTuple):
    """A broadcast whose trace was damaged on the way."""


class Untraced(NamedTuple):
    """A broadcast that cannot be led back to its trigger: counted by the step of the burst that it is.

    source: who made it, as the broadcast itself says, e.g. an agent's id. It leads to the rooms whose members may
    receive the broadcast. Empty if the broadcast should name a source and does not. None if nothing is known of
    its source: then members of any room may receive it.
    """

    step: str
    source: str | None = None


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
        """Tell what a frame is.

        :param frame: the Socket.IO packet's text, undecoded; it is one that clients can parse. Before its
            array stands `42`, or `451-` (one attachment, which is not in it), or `4217` (the server wants an
            acknowledgement, whose id is 17).
        """
        ...
