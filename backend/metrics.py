"""What a backend tells of its own memory and CPU: Prometheus text, or the answer of its health call."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Vitals:
    """One process at one moment; None for what it does not tell.

    rss_mb: resident memory. heap_mb: of that, what the runtime's heap uses. cpu_s: CPU time since it was started.
    loop_lag_ms: how late its event loop is. open_files: descriptors. up_s: since when it runs.
    """

    rss_mb: float | None = None
    heap_mb: float | None = None
    cpu_s: float | None = None
    loop_lag_ms: float | None = None
    open_files: float | None = None
    up_s: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it tells nothing of memory or CPU."""
        return self.rss_mb is None and self.heap_mb is None and self.cpu_s is None


# The names that client libraries give by convention: prom-client of node, prometheus_client of Python, Go's.
_BYTES: Final = {"rss_mb": ("process_resident_memory_bytes",), "heap_mb": ("nodejs_heap_size_used_bytes",)}
_SECONDS: Final = ("process_cpu_seconds_total",)
_SPLIT_SECONDS: Final = ("process_cpu_user_seconds_total", "process_cpu_system_seconds_total")
_LAG: Final = ("nodejs_eventloop_lag_p99_seconds", "nodejs_eventloop_lag_seconds")


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
    megabytes = {field: _first(sums, names, 1e-6) for field, names in _BYTES.items()}
    split = [sums[name] for name in _SPLIT_SECONDS if name in sums]
    started_s = longest.get("process_start_time_seconds")
    return Vitals(
        **megabytes,
        cpu_s=_first(sums, _SECONDS, 1.0) if _SECONDS[0] in sums else (sum(split) if split else None),
        loop_lag_ms=_first(longest, _LAG, 1e3),
        open_files=_first(sums, ("process_open_fds",), 1.0),
        up_s=None if started_s is None else now_s - started_s,
    )


def of_health(body: Any) -> Vitals:
    """From the answer of the health call: `memory` as node's `process.memoryUsage()`, `uptime` in seconds, and, if
    it is there, `cpu` as node's `process.cpuUsage()`."""
    if not isinstance(body, dict):
        return Vitals()
    data = body.get("data")
    body = data if isinstance(data, dict) and "memory" in data else body
    memory: dict[str, Any] = next(
        (body[name] for name in ("memory", "memoryUsage") if isinstance(body.get(name), dict)), {}
    )
    cpu: dict[str, Any] = next(
        (body[name] for name in ("cpu", "cpuUsage") if isinstance(body.get(name), dict)), {}
    )
    micros = [_number(cpu, name) for name in ("user", "system")]
    return Vitals(
        rss_mb=_scaled(_number(memory, "rss"), 1e-6),
        heap_mb=_scaled(_number(memory, "heapUsed"), 1e-6),
        cpu_s=None if None in micros else sum(filter(None, micros)) / 1e6,
        up_s=_number(body, "uptime"),
    )


def _first(values: Mapping[str, float], names: tuple[str, ...], factor: float) -> float | None:
    return next((values[name] * factor for name in names if name in values), None)


def _number(place: Mapping[str, Any], name: str) -> float | None:
    value = place.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
