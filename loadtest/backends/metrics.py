"""What a backend tells of its own memory and CPU: Prometheus text, or the answer of its health call."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Vitals:
    """One process at one moment; None for what it does not tell.

    rss_mb: resident memory. heap_mb: of that, what the runtime's heap uses. cpu_s: CPU time since it was started.
    loop_lag_ms: how late its event loop is. open_files: descriptors. up_s: since when it runs.
    unreadable: field whose value was sent but could not be read -> the reason in one line.
    """

    rss_mb: float | None = None
    heap_mb: float | None = None
    cpu_s: float | None = None
    loop_lag_ms: float | None = None
    open_files: float | None = None
    up_s: float | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether it tells nothing of memory or CPU."""
        return self.rss_mb is None and self.heap_mb is None and self.cpu_s is None

    def why_not(self, name: str) -> str:
        """Return why a field was not measured, in one line."""
        return self.unreadable.get(name, f"it tells no {_TERMS[name]}")

    @property
    def why_empty(self) -> str:
        """Why neither memory nor CPU was measured, in one line."""
        return "; ".join(self.unreadable.values()) or "it tells nothing of memory or CPU"


_TERMS: Final = {
    "rss_mb": "resident memory",
    "heap_mb": "heap",
    "cpu_s": "CPU time",
    "loop_lag_ms": "event loop lag",
    "open_files": "open files",
    "up_s": "uptime",
}


# The names that client libraries give by convention: prom-client of node, prometheus_client of Python, Go's.
_BYTES: Final = {"rss_mb": ("process_resident_memory_bytes",), "heap_mb": ("nodejs_heap_size_used_bytes",)}
_SECONDS: Final = "process_cpu_seconds_total"
_SPLIT_SECONDS: Final = ("process_cpu_user_seconds_total", "process_cpu_system_seconds_total")
_LAG: Final = ("nodejs_eventloop_lag_p99_seconds", "nodejs_eventloop_lag_seconds")
_STARTED: Final = "process_start_time_seconds"

_UNITS: Final = {"Bytes": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(Bytes|KB|MB|GB)")
_MIN_BYTES: Final = 1e6
"""Least resident memory of a runtime that serves HTTP, in bytes: a smaller number is in another unit."""
_MAX_BYTES: Final = 1e15
_SIZES_EXPECTED: Final = "expected bytes as a number from 1e6 to 1e15, or a text like '157.09 MB'"


class _Fields:
    """Collects the fields of `Vitals`, and why some cannot be read."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.unreadable: dict[str, str] = {}

    def size(self, name: str, place: str, value: Any) -> None:
        """Take a size in bytes, as a number or as a text with its unit; None if the backend does not send it."""
        if value is None:
            return
        size_bytes = _bytes(value)
        if size_bytes is None or not _MIN_BYTES <= size_bytes <= _MAX_BYTES:
            self.unreadable[name] = f"{place}: {_SIZES_EXPECTED}, got {value!r:.40}"
        else:
            self.values[name] = size_bytes * 1e-6

    def number(self, name: str, place: str, value: Any, factor: float = 1.0) -> None:
        """Take a number of 0 or more; None if the backend does not send it."""
        if value is None:
            return
        number = _number(value)
        if number is None or number < 0:
            self.unreadable[name] = f"{place}: expected a number of 0 or more, got {value!r:.40}"
        else:
            self.values[name] = number * factor

    def vitals(self) -> Vitals:
        """Return the collected fields."""
        return Vitals(**self.values, unreadable=self.unreadable)


def of_prometheus(text: str, now_s: float) -> Vitals:
    """From the text of a `/metrics`.

    Samples of the same name with different labels (a gateway, a cluster) are added up; lags are not: the longest.

    :param now_s: seconds since the epoch.
    :raises ValueError: if it is no such text.
    """
    sums: dict[str, float] = {}
    longest: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if math.isnan(sample.value):
                # As prom-client says of what it has not measured yet.
                continue
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
            longest[sample.name] = max(longest.get(sample.name, sample.value), sample.value)
    if not sums:
        raise ValueError("there is no sample in it")
    found = _Fields()
    for field_name, names in _BYTES.items():
        if (name := _first(sums, names)) is not None:
            found.size(field_name, name, sums[name])
    split = [sums[name] for name in _SPLIT_SECONDS if name in sums]
    cpu_s = sums.get(_SECONDS, sum(split) if split else None)
    found.number("cpu_s", _SECONDS, cpu_s)
    if (name := _first(longest, _LAG)) is not None:
        found.number("loop_lag_ms", name, longest[name], 1e3)
    found.number("open_files", "process_open_fds", sums.get("process_open_fds"))
    if (started_s := longest.get(_STARTED)) is not None:
        if math.isfinite(started_s):
            # Negative if one clock is behind the other. To detect a restart, only changes of the value matter.
            found.values["up_s"] = now_s - started_s
        else:
            found.unreadable["up_s"] = f"{_STARTED}: expected seconds since the epoch, got {started_s!r}"
    return found.vitals()


def of_health(body: Any) -> Vitals:
    """Return the vitals in the answer of the health call.

    - `memory`: as node's `process.memoryUsage()`, in bytes, or as texts like "157.09 MB", with units of 1024.
    - `uptime`: in seconds, or an object with `seconds`.
    - `cpu`: as node's `process.cpuUsage()`, in microseconds; the real build has none.
    """
    if not isinstance(body, dict):
        return Vitals()
    data = body.get("data")
    body = data if isinstance(data, dict) and "memory" in data else body
    found = _Fields()
    place, memory = _first_of(body, ("memory", "memoryUsage"))
    if isinstance(memory, dict):
        found.size("rss_mb", f"{place}.rss", memory.get("rss"))
        found.size("heap_mb", f"{place}.heapUsed", memory.get("heapUsed"))
    elif memory is not None:
        found.unreadable["rss_mb"] = f"{place}: expected an object with rss, got {memory!r:.40}"
    place, cpu = _first_of(body, ("cpu", "cpuUsage"))
    if cpu is not None:
        micros = [_number(cpu.get(name)) if isinstance(cpu, dict) else None for name in ("user", "system")]
        known = [one for one in micros if one is not None and one >= 0]
        if len(known) == len(micros):
            found.values["cpu_s"] = sum(known) / 1e6
        else:
            found.unreadable["cpu_s"] = f"{place}: expected user and system in microseconds, got {cpu!r:.40}"
    uptime = body.get("uptime")
    if isinstance(uptime, dict):
        found.number("up_s", "uptime.seconds", uptime.get("seconds"))
    else:
        found.number("up_s", "uptime", uptime)
    return found.vitals()


def _first(values: Mapping[str, float], names: Iterable[str]) -> str | None:
    return next((name for name in names if name in values), None)


def _first_of(body: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, Any]:
    """Return the first of some fields that the body has, with its name."""
    return next(((name, body[name]) for name in names if body.get(name) is not None), (names[0], None))


def _bytes(value: Any) -> float | None:
    """Return a size in bytes; None if the value is not a size."""
    if isinstance(value, str):
        found = _SIZE.fullmatch(value)
        return None if found is None else float(found[1]) * _UNITS[found[2]]
    return _number(value)


def _number(value: Any) -> float | None:
    """Return a finite number; None if the value is not one."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:  # JSON does not limit integers
        return None
    return number if math.isfinite(number) else None
