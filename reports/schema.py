"""The versions of a record's summary: newer ones are refused, older ones upgraded, and gaps filled and named."""

from __future__ import annotations

from typing import Any, Final

from measure.latency import QUANTILES_PER_100K

SCHEMA: Final = 2

_NO_TIMES: Final = {"count": 0, "mean": None, **dict.fromkeys(QUANTILES_PER_100K), "max": None}
_TIMES: Final = ("fan_out_ms", "replay_ms", "trigger_ms", "loop_lag_ms", "generator_delay_ms", "gc_pause_ms")
_TIMES_WITH_FAILURES: Final = ("connect_ms", "join_ms")
_TIMES_BY_NAME: Final = ("latency_ms", "latency_across_clocks_ms", "connect_phases_ms", "answers_ms")
_OPTIONAL: Final[dict[str, Any]] = {"instances": None, "canaries": []}
"""What not every record has."""
_FIXED: Final = ("clocks", "connections", "deliveries", "memory", "monitoring", "triggers")
"""Of these, every version has the same fields, or more."""
_DELIVERIES: Final = (
    *("expected", "delivered", "lost", "missed_offline", "replayed", "edge", "arrived", "unowed", "duplicate"),
    *("reordered", "reorder_extent", "leaked", "uncounted", "corrupt", "foreign", "coalesced"),
)


class RecordError(Exception):
    """A record that cannot be read; the message is one line."""


def upgrade(summary: dict[str, Any], where: str) -> tuple[dict[str, Any], list[str]]:
    """A summary of any version in the fields of this one, and the fields that should have been there.

    :raises RecordError: if it is of a newer version, or of none.
    """
    version = summary.get("schema")
    if not isinstance(version, int) or version < 1:
        raise RecordError(f"{where} is no run's record: its schema is {version!r}. Give the folder of one run.")
    if version > SCHEMA:
        raise RecordError(
            f"{where} has schema {version}, this version reads up to {SCHEMA}. "
            "Use the version of the package that wrote it."
        )
    if version == 1:
        summary = _from_1(summary)
    empty = _empty()
    missing = [name for name in empty if name not in summary]
    filled = {**_OPTIONAL, **empty, **summary, "schema": SCHEMA}
    for name in (*_TIMES, *_TIMES_WITH_FAILURES, *_FIXED):
        filled[name] = {**empty[name], **filled[name]}
    for name in _TIMES_BY_NAME:
        filled[name] = {key: {**_NO_TIMES, **times} for key, times in filled[name].items()}
    return filled, missing


def _from_1(summary: dict[str, Any]) -> dict[str, Any]:
    """Version 2 has added phases, figures, memory and how it was run; objectives had no phase."""
    added = ("figures", "phases", "memory", "monitoring", "options", "software")
    figures = {row["figure"]: row["value"] for row in summary.get("slo", [])}
    upgraded = {**{name: value for name, value in _empty().items() if name in added}, **summary}
    upgraded["figures"] = figures
    upgraded["slo"] = [{"phase": "", **row} for row in summary.get("slo", [])]
    return upgraded


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
        "validity": {"verdict": "invalid", "reasons": []},
        "slo": [],
        "deliveries": dict.fromkeys(_DELIVERIES, 0),
        "untraced": {},
        **{name: dict(_NO_TIMES) for name in _TIMES},
        **{name: {**_NO_TIMES, "failed": 0} for name in _TIMES_WITH_FAILURES},
        **{name: {} for name in _TIMES_BY_NAME},
        "clocks": {"number": 1, "bound_ms": dict(_NO_TIMES), "steps": 0},
        "triggers": dict.fromkeys(("due", "sent", "missed", "refused", "failed"), 0),
        "connections": dict.fromkeys(("most", "lost", "sent_again", "reconnects", "recovered", "away"), 0),
        "capabilities": {},
        "findings": [],
        "conformance": [],
        "conformance_holds": True,
        "capacity": None,
        "failures": {},
        "figures": {},
        "phases": {},
        "room_classes": [],
        "memory": {"backend": None, "instances": {}, "generator": None},
        "monitoring": {"sources": [], "samples": 0, "failed": 0, "restarts": 0, "why_not": ""},
        "options": {},
        "software": {},
    }
