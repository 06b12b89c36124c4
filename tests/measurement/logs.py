"""A stream's log of triggers."""

from __future__ import annotations

from loadtest.measurement.triggers import Outcome, StreamLog

FLIGHT = 10


def log_of(*sent_ns: int, refused: frozenset[int] = frozenset(), bound_ns: int = 0) -> StreamLog:
    log = StreamLog()
    for seq, moment in enumerate(sent_ns):
        outcome = Outcome.REFUSED if seq in refused else Outcome.ACCEPTED
        log.add(seq, moment, outcome, bound_ns)
    return log
