"""The schema of a record's summary: another version is refused, and gaps are filled and named."""

from __future__ import annotations

from typing import Any, Final

from loadtest.measurement.latency import QUANTILES_PER_100K
from loadtest.reports.record_checks import missing_fields, wrong_field

SCHEMA: Final = 2

_NO_TIMES: Final = {"count": 0, "mean": None, **dict.fromkeys(QUANTILES_PER_100K), "max": None}
_TIMES: Final = (
    "fan_out_ms",
    "fan_out_bound_ms",
    "completion_ms",
    "completion_lag_ms",
    "replay_ms",
    "trigger_ms",
    "loop_lag_ms",
    "ramp_loop_lag_ms",
    "generator_delay_ms",
    "gc_pause_ms",
)
_TIMES_WITH_FAILURES: Final = ("connect_ms", "join_ms")
_TIMES_BY_NAME: Final = (
    "latency_ms",
    "latency_earliest_ms",
    "latency_across_clocks_ms",
    "connect_phases_ms",
    "answers_ms",
)
_OPTIONAL: Final[dict[str, Any]] = {
    "instances": None,
    "canaries": [],
    "not_supported": [],
    "expectations": None,
    "throttle": None,
    "overload": None,
    "memberships": {"number": 0, "brief": 0},
    "data_left": {},
}
"""What not every record has."""
_FIXED: Final = ("clocks", "connections", "deliveries", "memory", "monitoring", "triggers")
"""Of these, every version has the same fields, or more."""
_DELIVERIES: Final = (
    *("expected", "delivered", "lost", "missed_offline", "replayed", "edge", "arrived", "unowed", "duplicate"),
    *("reordered", "reorder_extent", "leaked", "missed_dropped", "uncounted", "corrupt", "foreign", "coalesced"),
)
_CONNECTIONS: Final = (
    *("most", "lost", "dropped", "sent_again", "reconnects", "reconnect_failures", "recovered", "away"),
)


class RecordError(Exception):
    """A record that cannot be read; the message is one line."""


def complete(summary: dict[str, Any], where: str) -> tuple[dict[str, Any], list[str]]:
    """Return a summary with every field, and the names of those that should have been there.

    :raises RecordError: if it is of another version, or of none, or a field is of the wrong type or out of range.
    """
    version = summary.get("schema")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise RecordError(f"{where} is no run's record: its schema is {version!r}. Give the folder of one run.")
    if version != SCHEMA:
        raise RecordError(
            f"{where} has schema {version}, this version reads {SCHEMA}. "
            "Use the version of the package that wrote it."
        )
    empty = _empty()
    if wrong := wrong_field(summary, empty):
        raise RecordError(
            f"{where} cannot be used: {wrong}. Its summary.json is damaged or was edited. Run the test again."
        )
    missing = [*(name for name in empty if name not in summary), *missing_fields(summary)]
    filled = {**_OPTIONAL, **empty, **summary, "schema": SCHEMA}
    for name in (*_TIMES, *_TIMES_WITH_FAILURES, *_FIXED, "validity"):
        filled[name] = {**empty[name], **filled[name]}
    for name in _TIMES_BY_NAME:
        filled[name] = {key: {**_NO_TIMES, **times} for key, times in filled[name].items()}
    return filled, missing


def _empty() -> dict[str, Any]:
    """What a summary says when it says nothing."""
    return {
        "schema": SCHEMA,
        "run_id": "unknown",
        "target": "unknown",
        "profile": "unknown",
        "started": "",
        "duration_s": 0.0,
        "publishing_s": 0.0,
        "interrupted": True,
        "users": 0,
        "users_by_class": {},
        "rooms": 0,
        "rate_per_s": 0.0,
        "workers": 0,
        "receive_clock": "unknown",
        "outcome": {},
        "aborted": "",
        "validity": {"verdict": "invalid", "reasons": [], "doubts": []},
        "slo": [],
        "deliveries": dict.fromkeys(_DELIVERIES, 0),
        "untraced": {},
        **{name: dict(_NO_TIMES) for name in _TIMES},
        **{name: {**_NO_TIMES, "failed": 0} for name in _TIMES_WITH_FAILURES},
        **{name: {} for name in _TIMES_BY_NAME},
        "clocks": {"number": 1, "bound_ms": dict(_NO_TIMES), "steps": 0},
        "unfinished_triggers": 0,
        "in_flight_window_s": 0.0,
        "triggers": dict.fromkeys(("due", "sent", "missed", "refused", "failed"), 0),
        "connections": dict.fromkeys(_CONNECTIONS, 0),
        "capabilities": {},
        "findings": [],
        "conformance": [],
        "conformance_holds": True,
        "capacity": None,
        "severe_findings": [],
        "requests": [],
        "failures": {},
        "figures": {},
        "not_measured": {},
        "phases": {},
        "room_classes": [],
        "memory": {"backend": None, "instances": {}, "generator": None},
        "monitoring": {
            "sources": [],
            "samples": 0,
            "failed": 0,
            "restarts": 0,
            **dict.fromkeys(("why_not", "memory_why_not", "restarts_why_not"), ""),
        },
        "options": {},
        "software": {},
    }
