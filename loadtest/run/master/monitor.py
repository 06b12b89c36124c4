"""Samples the backend's memory and CPU while a run goes on."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

import gevent
import psutil

from loadtest.backends import metrics
from loadtest.backends.metrics import Vitals
from loadtest.backends.prometheus import contract
from loadtest.backends.rest import RestClient, UnreachableError
from loadtest.errors import Fault, Owner
from loadtest.measurement.columns import Columns

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from loadtest.backends.rest import Answer

HEALTH: Final = "health"
NONE: Final = "none"
PID: Final = "pid:"


class NoAnswerError(Exception):
    """A sample could not be taken; the message says why."""


class Source(Protocol):
    """Something that tells of one instance. name: what the one that told last is called in the record."""

    name: str

    def read(self) -> Vitals:
        """How it is now.

        :raises NoAnswerError: if it does not tell.
        """


class Health:
    """The backend's own health call; behind a load balancer, another instance may answer each time.

    :param instance_header: where it says which one.
    """

    def __init__(self, client: RestClient, instance_header: str = "") -> None:
        self.name = HEALTH
        self._client = client
        self._instance_header = instance_header

    def read(self) -> Vitals:
        """See `Source`."""
        answer = _get(self._client, contract.HEALTH_INFO)
        self.name = f"{HEALTH} {answer.header(self._instance_header)}".strip()
        return metrics.of_health(answer.body)


class Metrics:
    """A page of Prometheus metrics."""

    def __init__(self, url: str, ssl_context: ssl.SSLContext | None) -> None:
        parts = urlsplit(url)
        self.name = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
        self._path = (parts.path or "/metrics") + (f"?{parts.query}" if parts.query else "")
        self._client = RestClient(f"{parts.scheme}://{parts.netloc}", ssl_context=ssl_context)

    def read(self) -> Vitals:
        """See `Source`."""
        try:
            return metrics.of_prometheus(str(_get(self._client, self._path).body), time.time())
        except ValueError as error:
            raise NoAnswerError(f"its metrics cannot be read: {error}") from error


class LocalProcess:
    """A process of this machine, without its children."""

    def __init__(self, pid: int) -> None:
        self.name = f"{PID}{pid}"
        self._pid = pid

    def read(self) -> Vitals:
        """See `Source`."""
        try:
            process = psutil.Process(self._pid)
            spent = process.cpu_times()
            return Vitals(
                rss_mb=process.memory_info().rss / 1e6,
                cpu_s=spent.user + spent.system,
                open_files=float(process.num_fds()),
                up_s=time.time() - process.create_time(),
            )
        except psutil.Error as error:
            raise NoAnswerError(f"there is no process {self._pid} here") from error


def sources_of(
    text: str, client: RestClient, ssl_context: ssl.SSLContext | None, instance_header: str = ""
) -> tuple[list[Source], str]:
    """What to ask, and why not, if nothing: each source was asked once.

    :param text: as of `--monitor`.
    :param client: of the backend.
    :param instance_header: where its answers say which instance they are of.
    :raises Fault: if one that was named does not tell.
    """
    found: list[Source] = []
    why_not = ""
    for part in filter(None, (part.strip() for part in text.split(","))):
        if part == NONE:
            continue
        source: Source
        if part == HEALTH:
            source = Health(client, instance_header)
        elif part.startswith(PID):
            source = LocalProcess(int(part.removeprefix(PID)))
        else:
            source = Metrics(part, ssl_context)
        try:
            if (vitals := source.read()).is_empty:
                raise NoAnswerError(vitals.why_empty)
        except NoAnswerError as error:
            if part == HEALTH:
                why_not = f"{contract.HEALTH_INFO}: {error}"
                continue
            raise Fault(
                Owner.USER,
                f"--monitor {part}: {error}",
                "Give pid:N of a process on the master's machine, or the address of Prometheus metrics.",
            ) from error
        found.append(source)
    return found, why_not or ("" if found else f"--monitor {NONE}")


class Monitor:
    """The samples of one run.

    :param sources: what is asked.
    :param why_not: why nothing is, if nothing is.
    :param every_s: how often.
    """

    def __init__(self, sources: Sequence[Source], why_not: str, every_s: float) -> None:
        self._sources = sources
        self._why_not = why_not
        self._every_s = every_s
        self.rows = Columns()
        """Rows of at_s (since the epoch), instance, cpu_percent, and measured fields of `Vitals` except cpu_s."""
        self._failed = 0
        self._restarts = 0
        self._last_failure = ""
        self._measured: set[str] = set()
        """Fields of `Vitals` that at least one sample had."""
        self._missing: dict[str, str] = {}
        """Field of `Vitals` that at least one sample lacked -> the reasons."""
        self._before: dict[str, tuple[float, Vitals]] = {}
        self._loops = [gevent.spawn(self._watch, source) for source in sources]

    def stop(self) -> None:
        """No more samples."""
        gevent.killall(self._loops)

    def summary(self) -> dict[str, Any]:
        """Return the sources, how often they answered, and how often the backend restarted meanwhile.

        `restarts` is None if restarts were not measured. `memory_why_not` and `restarts_why_not` are empty if
        memory and restarts were measured.
        """
        restarts_why_not = self._not_measured("up_s")
        return {
            "sources": [source.name for source in self._sources],
            "every_s": self._every_s,
            "samples": len(self.rows),
            "failed": self._failed,
            "restarts": None if restarts_why_not else self._restarts,
            "why_not": self._why_not or self._last_failure,
            "memory_why_not": self._not_measured("rss_mb"),
            "restarts_why_not": restarts_why_not,
        }

    def _not_measured(self, name: str) -> str:
        """Return why no sample had a field of `Vitals`; empty if one had it."""
        if name in self._measured:
            return ""
        reasons = filter(None, (self._why_not, self._missing.get(name), self._last_failure))
        return "; ".join(dict.fromkeys(reasons)) or "the run ended before its first sample"

    def _watch(self, source: Source) -> None:
        while True:
            now_s = time.time()
            try:
                vitals = source.read()
                if vitals.is_empty:
                    raise NoAnswerError(vitals.why_empty)
                self.add(source.name, now_s, vitals)
            except NoAnswerError as error:
                self._failed += 1
                self._last_failure = f"{source.name}: {error}"
            gevent.sleep(self._every_s - (time.time() - now_s) % self._every_s)

    def add(self, name: str, now_s: float, vitals: Vitals) -> None:
        """One sample."""
        before_s, before = self._before.get(name, (now_s, Vitals()))
        cpu_percent = None
        restarted = None not in (vitals.up_s, before.up_s) and (vitals.up_s or 0.0) < (before.up_s or 0.0)
        self._restarts += restarted
        if vitals.cpu_s is not None and before.cpu_s is not None and not restarted and now_s > before_s:
            cpu_percent = round(100 * max(vitals.cpu_s - before.cpu_s, 0.0) / (now_s - before_s), 1)
        self._before[name] = (now_s, vitals)
        fields = {field: value for field, value in asdict(vitals).items() if field != "unreadable"}
        self._measured.update(field for field, value in fields.items() if value is not None)
        self._missing.update(
            (field, f"{name}: {vitals.why_not(field)}") for field in fields if fields[field] is None
        )
        told = {field: value for field, value in fields.items() if field != "cpu_s" and value is not None}
        rounded = {field: round(value, 3) for field, value in told.items()}
        self.rows.append({"at_s": int(now_s), "instance": name, "cpu_percent": cpu_percent, **rounded})


def _get(client: RestClient, path: str) -> Answer:
    try:
        answer = client.send("GET", path)
    except UnreachableError as error:
        raise NoAnswerError(str(error)) from error
    if answer.status != 200:
        raise NoAnswerError(f"it answers {answer.status}")
    return answer
