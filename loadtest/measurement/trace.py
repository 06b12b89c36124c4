"""The trace: a short ASCII token that travels with a broadcast and says which one it is.

A token is found in a raw frame by one regular expression, without decoding the frame.
"""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple

_TOKEN = re.compile(rb"~([0-9a-f]{8})\.([0-9a-f]+)\.([0-9a-f]+)\.([0-9a-f]+)\.([0-9a-f]+)\.([0-9a-f]{8})~")
_REMAINS = re.compile(rb"~[0-9a-f]{8}\.[0-9a-f]+\.|\.[0-9a-f]{15,16}\.[0-9a-f]{8}~")
"""The head or the tail of a token. If a token was cut off or changed in one place, one of the two is left. Other
texts have neither: version ranges such as `~1.2.3` and names such as `a~1b2c3d4e.bak` do not match."""
LEAD = "Load test "
"""Precedes a token in text that people read, such as a title. It reveals even the shortest rest of a token."""
_LED = f"{LEAD}~".encode()
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
    """A frame has a damaged token: it was cut off, or a field or the checksum was changed."""


def encode(trace: Trace) -> str:
    """A trace as a token."""
    body = f"{trace.run}.{trace.room:x}.{trace.publisher:x}.{trace.seq:x}.{trace.due_ns:x}"
    return f"~{body}.{zlib.crc32(body.encode()):08x}~"


def find(frame: bytes) -> Trace | None:
    """Return the trace in a frame, or None if the frame carries none.

    Tildes in other text are ignored.

    :raises CorruptTraceError: if the frame has a token that was cut off or changed.
    """
    for match in _TOKEN.finditer(frame):
        run, room, publisher, seq, due_ns, checksum = match.groups()
        if zlib.crc32(frame[match.start(1) : match.end(5)]) == int(checksum, 16):
            return Trace(run.decode(), int(room, 16), int(publisher, 16), int(seq, 16), int(due_ns, 16))
    if _LED in frame or _REMAINS.search(frame) is not None:
        raise CorruptTraceError("the rest of a token")
    return None
