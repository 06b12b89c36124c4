"""Before a run: whom and what its scenarios need, and what the backend can do. After it: how that came out."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from loadtest.backends import tokens
from loadtest.backends.plan import Cast
from loadtest.canaries import kinds
from loadtest.clients.errors import FAILURES
from loadtest.errors import Fault, Owner
from loadtest.measurement import canaries, expectations, names
from loadtest.scenarios import capabilities as can
from loadtest.scenarios import catalogue, conformance
from loadtest.scenarios.capabilities import Capabilities
from loadtest.scenarios.findings import SCENARIO, Severity, findings_of
from loadtest.scenarios.probe import Probe

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection

    from loadtest.backends.endpoint import Endpoint
    from loadtest.backends.plan import Room
    from loadtest.backends.prometheus.provision import Provision
    from loadtest.measurement.fleet import Fleet
    from loadtest.scenarios.expectation import Expectation


_FIRST_EXPIRES_S: Final = 6
"""After the plan was made; whoever wants to see a token's end waits for it."""
_LEAST_APART_S: Final = 10
_MOST_EXPIRING: Final = 64
_NO_END_S: Final = 3600.0
"""A run without --run-time has such tokens for an hour."""


def assemble(
    options: argparse.Namespace,
    endpoint: Endpoint,
    rooms: tuple[Room, ...],
    provision: Provision,
    mint: tokens.Mint | None,
) -> Cast:
    """Get what scenarios need, and ask the backend what it can do, unless that is not wanted.

    :raises Fault: if a client with a good token cannot even connect.
    """
    if options.no_probe or not endpoint.adapter.plays_scenarios:
        return Cast(think_s=options.think_time, patience_s=options.patience, session_s=options.session_length)
    room = rooms[0]
    cast = Cast(
        provision.foreign(),
        _bad_tokens(room, mint),
        "" if mint is None else tokens.without_id(room.token, mint),
        think_s=options.think_time,
        patience_s=options.patience,
        session_s=options.session_length,
    )
    try:
        capabilities = Probe(endpoint, room, cast).ask()
    except FAILURES as error:
        raise Fault(
            Owner.BACKEND,
            f"a client with a good token cannot connect and join its room: {error}",
            "Check --token-in, --transport and --parser, and look into the backend's log.",
        ) from error
    expiring = () if mint is None else _expiring(room, mint, float(options.run_time or _NO_END_S))
    return replace(cast, capabilities=_message(capabilities), expiring=expiring)


def _message(capabilities: Capabilities) -> dict[str, Any]:
    """Return the capabilities as the plan has them; the evidence may quote what the backend answered."""
    answers = capabilities.to_message().items()
    return {name: {**answer, "evidence": names.visible(answer["evidence"])} for name, answer in answers}


def _expiring(room: Room, mint: tokens.Mint, run_time_s: float) -> tuple[tuple[str, float], ...]:
    """Return tokens that end while the run lasts, one after the other: workers have no key to make them."""
    first_s = int(time.time()) + _FIRST_EXPIRES_S
    apart_s = max(_LEAST_APART_S, math.ceil(run_time_s / _MOST_EXPIRING))
    ends_s = range(first_s, first_s + math.ceil(run_time_s), apart_s)
    return tuple((tokens.expiring(room.token, mint, at_s), float(at_s)) for at_s in ends_s)


def _bad_tokens(room: Room, mint: tokens.Mint | None) -> dict[str, str]:
    try:
        return tokens.bad_tokens(room.token, mint, int(time.time()))
    except ValueError:
        return {}  # an opaque token: there is nothing to make bad ones from


def outcome(
    options: argparse.Namespace,
    expectation: Expectation | None,
    cast: Cast,
    users: Collection[str],
    fleet: Fleet,
) -> dict[str, Any]:
    """What the run's summary says of capabilities, findings, checks and canaries.

    :param expectation: what the backend has to be able to do; None if nothing was said.
    :param users: the user classes that took part.
    """
    capabilities = Capabilities.from_message(cast.capabilities)
    scenarios = list(catalogue.chosen(users, options.tags or (), options.exclude_tags or ()))
    tallies = fleet.checks().tallies
    rows = conformance.rows(scenarios, capabilities, tallies)
    reports = [row for totals in fleet.totals() for row in totals.canaries]
    unsupported = {name: _unsupported(name, capabilities) for name, *_ in reports}
    found = canaries.outcomes(reports, fleet.latencies, unsupported)
    seen = {check: tally.of_failure for (scenario, check), tally in tallies.items() if scenario == SCENARIO}
    findings = findings_of(capabilities, seen)
    limit = options.fail_on_finding
    severe = [] if limit is None else [one for one in findings if one.severity >= Severity[limit.upper()]]
    answers = capabilities.to_message()
    expected = None
    if expectation is not None:
        expected = expectations.judge(expectation.source, expectation.capabilities, answers, can.REMEDIES)
    missing = expected is not None and expectations.counts(expected).failed
    return {
        "capabilities": answers,
        "findings": [finding.to_json() for finding in findings],
        "conformance": rows,
        "not_supported": conformance.not_supported(scenarios, capabilities) if scenarios else [],
        "severe_findings": [finding.title for finding in severe],
        "expectations": expected,
        "conformance_holds": conformance.holds(rows) and not (severe or missing) and canaries.hold(found),
        "canaries": found,
    }


def _unsupported(name: str, capabilities: Capabilities) -> str:
    """Return why this backend does not speak a canary's protocol; empty if it may."""
    kind = kinds.named(name)
    eio3 = capabilities.answers[can.EIO3]
    if kind.client.version == kinds.SPEAKS_EIO3 and not eio3.yes:
        return eio3.evidence
    # An upgrade begins with long-polling.
    transport = can.WEBSOCKET if kind.transport == "websocket" else can.POLLING
    return capabilities.answers[transport].evidence if capabilities.cannot(transport) else ""
