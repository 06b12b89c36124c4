"""Reads frames by an adapter's reader, whose errors stop nothing: each becomes one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from loadtest.measurement.one_line import shorten
from loadtest.measurement.sighting import Corrupt, Keyed, Traced, Untraced
from loadtest.measurement.trace import Trace

if TYPE_CHECKING:
    from loadtest.measurement.sighting import FrameReader, Sighting

_SOURCE: Final = "the source as a text, or None"


class Unreadable(NamedTuple):
    """A frame that the reader failed on.

    kind: how it failed, the same each time.
    what: the same with the frame, in one line.
    """

    kind: str
    what: str


def read(reader: FrameReader, event: str, frame: bytes) -> Sighting | Unreadable:
    """Return what a frame is, or how the reader failed on it."""
    try:
        found = reader.read(event, frame)
    except Exception as error:  # noqa: BLE001 - somebody else's code
        return Unreadable(type(error).__name__, f"raised {shorten(error)} for the frame {_shown(frame)}")
    if expected := _expected(found, len(reader.slots)):
        kind = f"returned {type(found).__name__}"
        return Unreadable(kind, f"returned {shorten(found)} for the frame {_shown(frame)}, expected {expected}")
    return found


def _expected(found: object, slots: int) -> str:
    """Return what a reader should have returned instead; empty if it is right."""
    if isinstance(found, Traced | Keyed):
        if type(found.slot) is not int or not 0 <= found.slot < slots:
            return f"a slot from 0 to {slots - 1}"
        if isinstance(found, Keyed):
            if not isinstance(found.key, str) or not found.key:
                return "the key as a text that is not empty"
            return "" if isinstance(found.source, str | None) else _SOURCE
        trace = found.trace
        right = isinstance(trace, Trace) and isinstance(trace.run, str) and all(type(n) is int for n in trace[1:])
        return "" if right and min(trace[1:]) >= 0 else "a trace as loadtest.measurement.trace.find returns it"
    if isinstance(found, Untraced):
        if not isinstance(found.step, str):
            return "the step as a text"
        return "" if isinstance(found.source, str | None) else _SOURCE
    return "" if isinstance(found, Corrupt) else "Traced, Keyed, Untraced or Corrupt"


def _shown(frame: bytes) -> str:
    return shorten(frame.decode("utf-8", "replace"))
