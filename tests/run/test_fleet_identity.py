"""Which worker may join which master, and what a command line comes to before Locust forks."""

from __future__ import annotations

import os

import pytest

from loadtest.run.fleet_identity import FleetIdentity, when_orphaned

from ..support import until
from .parsed import parse

PLAIN = FleetIdentity()
NAMED = FleetIdentity("nightly")
FORKING = FleetIdentity("", "k1", 11)
OTHER = FleetIdentity("", "k2", 22)
NAMED_FORKING = FleetIdentity("nightly", "k3", 33)


@pytest.mark.parametrize(
    ("master", "worker"),
    [
        (PLAIN, PLAIN),
        (NAMED, NAMED),
        (FORKING, FORKING),
        # A further worker, started by hand at a port that its user was told.
        (FORKING, PLAIN),
        (NAMED_FORKING, NAMED),
    ],
)
def test_a_worker_joins_its_own_master(master: FleetIdentity, worker: FleetIdentity) -> None:
    assert master.refusal(worker) == ""


@pytest.mark.parametrize(
    ("master", "worker", "said"),
    [
        (FORKING, OTHER, "expected a worker forked by process 11, got one forked by process 22"),
        (PLAIN, OTHER, "expected a worker forked by no process, got one forked by process 22"),
        (NAMED, NAMED_FORKING, "expected a worker forked by no process, got one forked by process 33"),
        (
            NAMED_FORKING,
            FleetIdentity("nightly", "k4", 44),
            "expected a worker forked by process 33, got one forked by process 44",
        ),
        (PLAIN, NAMED, "expected a worker without --fleet, got one with --fleet nightly"),
        (NAMED, PLAIN, "expected a worker with --fleet nightly, got one without --fleet"),
        (NAMED, FleetIdentity("weekly"), "expected a worker with --fleet nightly, got one with --fleet weekly"),
        (NAMED_FORKING, PLAIN, "expected a worker with --fleet nightly, got one without --fleet"),
    ],
)
def test_another_masters_worker_is_refused(master: FleetIdentity, worker: FleetIdentity, said: str) -> None:
    assert master.refusal(worker) == said


def test_an_identity_travels() -> None:
    assert FleetIdentity(**NAMED_FORKING.to_message()) == NAMED_FORKING


def test_a_master_that_forks_has_a_port_and_a_key_of_its_own() -> None:
    options = parse("--processes", "2")
    assert options.master_bind_port == options.master_port != 5557
    assert options.master_bind_host == "127.0.0.1"
    identity = FleetIdentity.of(options)
    assert identity.forked_by == os.getpid()
    assert len(identity.key) == 16
    # What the web page parses once more is the same fleet.
    assert FleetIdentity.of(parse("--processes", "2")) == identity


@pytest.mark.parametrize(
    ("given", "bind_port", "port", "host"),
    [
        (("--master-bind-port", "6000"), 6000, 6000, "*"),
        (("--master-port", "6000"), 6000, 6000, "*"),
        (("--master-bind-port", "5557"), 5557, 5557, "*"),
        (("--master-bind-port", "6000", "--master-port", "7000"), 6000, 7000, "*"),
    ],
)
def test_a_port_that_was_given_stays(given: tuple[str, ...], bind_port: int, port: int, host: str) -> None:
    options = parse("--processes", "2", *given)
    assert (options.master_bind_port, options.master_port, options.master_bind_host) == (bind_port, port, host)


def test_a_host_that_was_given_stays() -> None:
    options = parse("--processes", "2", "--master-bind-host", "0.0.0.0")
    assert options.master_bind_host == "0.0.0.0"
    assert options.master_bind_port == options.master_port != 5557


@pytest.mark.parametrize("given", [("--master",), ("--worker",), ("--worker", "--processes", "2"), ()])
def test_whoever_forks_no_worker_of_its_own_keeps_locusts_port(given: tuple[str, ...]) -> None:
    options = parse(*given, "--fleet", "nightly")
    assert (options.master_bind_port, options.master_port) == (5557, 5557)
    assert FleetIdentity.of(options) == NAMED


def test_only_the_death_of_its_own_master_orphans_a_worker() -> None:
    import gevent

    gone: list[int] = []
    when_orphaned(FleetIdentity("", "k", os.getppid()), lambda: gone.append(1))
    when_orphaned(PLAIN, lambda: gone.append(2))
    when_orphaned(FleetIdentity("", "k", 2**22 + 1), lambda: gone.append(3))
    until(lambda: gone, sleep=gevent.sleep)
    assert gone == [3]
