"""Streams and memberships to count by."""

from __future__ import annotations

from hypothesis import strategies as st

from loadtest.measurement.moments import Moment
from loadtest.measurement.presence import End, Presence, Span
from loadtest.measurement.triggers import Outcome, StreamLog

FLIGHT_NS = 10
MEMBER = Presence(0, spans=[Span(100, 100, 200, End.LEFT, "i")])


def log_of(*sent_ns: int, completion: bool = False, **made: int) -> StreamLog:
    """Return a stream of one slot; `made` says when each number was first received, as `n3=250`."""
    log = StreamLog([completion], FLIGHT_NS)
    for seq, at_ns in enumerate(sent_ns):
        log.add(seq, at_ns, Outcome.ACCEPTED)
    for name, at_ns in made.items():
        log.made(0, int(name[1:]), Moment(at_ns, FLIGHT_NS if completion else 0))
    return log


@st.composite
def presences(draw: st.DrawFn) -> Presence:
    """Draw a member that joins, leaves, loses its connection and comes back, at moments from 0 to 1000."""
    presence = Presence(0)
    moments = sorted(draw(st.lists(st.integers(0, 1000), min_size=1, max_size=14, unique=True)))
    for number, at_ns in enumerate(moments):
        if not presence.open:
            if draw(st.booleans()):
                presence.resumed_ns = moments[number - 1] if number and presence.is_lost else 0
                presence.join(at_ns, draw(st.sampled_from(["a", "b"])))
            else:
                presence.close(at_ns, End.LEFT)
        else:
            presence.close(at_ns, draw(st.sampled_from(End)))
    return presence
