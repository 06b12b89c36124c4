"""The trace: a short ASCII token that travels with a broadcast and says which one it is.

A token is found in a raw frame by one regular expression, without decoding the frame.
"""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple

_TOKEN = re.compile(rb"~([0-9a-f]{8})\.([0-9a-f]+)\.([0-9a-f]+)\.([0-9a-f]+)\.([0-9a-f]+)\.([0-9a-f]{8})~")
_LOOSE = re.compile(rb"~[^~\"\\]{0,120}~")
MAX_TOKEN_CHARS = 96
"""No token is longer."""


class Trace(NamedTuple):
    """What identifies one trigger.

    run: 8 hexadecimal digits of the run. room: the room's index in the run's plan. publisher: unique in the
    run. seq: counts from 0 without holes in the stream (publisher, room). due_ns: when the schedule wanted it
    to leave, nanoseconds since the epoch on the publisher's clock.
    """

    run: str
    room: int
    publisher: int
    seq: int
    due_ns: int


class CorruptTraceError(ValueError):
    """Something that looks like a token and is not one: a field or the checksum was changed."""


def encode(trace: Trace) -> str:
    """A trace as a token."""
    body = f"{trace.run}.{trace.room:x}.{trace.publisher:x}.{trace.seq:x}.{trace.due_ns:x}"
    return f"~{body}.{zlib.crc32(body.encode()):08x}~"


def find(frame: bytes) -> Trace | None:
    """The trace in a frame, or None if the frame carries none.

    :raises CorruptTraceError: if a token is there and its checksum is wrong.
    """
    match = _TOKEN.search(frame)
    if match is None:
        if _LOOSE.search(frame) is not None:
            raise CorruptTraceError("not a token between the token's marks")
        return None
    run, room, publisher, seq, due_ns, checksum = match.groups()
    if zlib.crc32(frame[match.start(1) : match.end(5)]) != int(checksum, 16):
        raise CorruptTraceError("wrong checksum")
    return Trace(run.decode(), int(room, 16), int(publisher, 16), int(seq, 16), int(due_ns, 16))
