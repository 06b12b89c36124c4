"""Causes that the verdict names: why nothing was measured, and where the adapter is at fault."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from loadtest.measurement.doings import ADAPTER
from loadtest.measurement.one_line import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtest.measurement.evidence import Evidence

OVERLOADED_SUSPECT_SHARE: Final = 0.9
_DOCS: Final = "docs/another-backend.md"
_CONNECT: Final = "connect: "
_JOIN: Final = "join: "


def nothing_measured(e: Evidence) -> str | None:
    """Return why nobody expected a broadcast, the most probable cause first; None if somebody did."""
    if e.expected:
        return None
    causes = "; ".join(_causes(e)) or "no member was in a room when triggers were sent"
    return f"nothing was measured, because no user expected a broadcast: {causes}"


def _causes(e: Evidence) -> Iterator[str]:
    failed_connects = f"{e.connect_failures} connects failed{_most_frequent(e, _CONNECT)}"
    failed_joins = f"{e.join_failures} joins failed{_most_frequent(e, _JOIN)}"
    if not e.members and e.connect_failures and not e.connects:
        yield f"no user connected: {failed_connects}"
    elif not e.members and e.join_failures:
        yield f"no user got into a room: {failed_joins}"
    yield from _without_triggers(e)
    if not e.members and not e.connect_failures and not e.join_failures:
        yield f"no user was in a room ({e.connects} connected)"
    elif e.edge:
        yield (
            f"{e.edge} deliveries were in flight as receivers joined or left (--in-flight-window): "
            "publish for longer"
        )
    elif e.members and e.sent:
        yield f"none of the {e.members} members was in its room when the {e.sent} triggers were sent"
    if e.connect_failures and (e.connects or e.members):
        yield failed_connects
    if e.join_failures and (e.members or (e.connect_failures and not e.connects)):
        yield failed_joins


def _without_triggers(e: Evidence) -> Iterator[str]:
    """Say why no trigger could make the backend broadcast; nothing if one could."""
    if not e.due:
        yield _nothing_due(e)
    elif not e.sent:
        unmade = f", {e.unmade} because the adapter's `trigger` failed" if e.unmade else ""
        yield f"none of the {e.due} triggers that were due could be sent{unmade}"
    elif e.refused >= e.sent:
        yield f"the backend refused all {e.sent} triggers"


def _nothing_due(e: Evidence) -> str:
    started = ", ".join(f"{count} {name}" for name, count in e.users.items() if count)
    if started and not e.publishers_started:
        if e.publishers == 0:
            return f"no trigger was sent: --publishers is 0 (users started: {started})"
        return (
            f"no trigger was sent: there was no Publisher among the users started ({started}); "
            "if you list user classes, include Publisher"
        )
    if not e.publishing:
        return "no trigger was sent: publishers start only after all users have started, and the run ended first"
    return "no trigger was sent: none was due yet; raise --rate or --run-time"


def _most_frequent(e: Evidence, prefix: str) -> str:
    """Return the most frequent reason that begins so, as the end of a sentence."""
    reasons = {why: count for why, count in e.failures.items() if why.startswith(prefix)}
    if not reasons:
        return ""
    why = max(reasons, key=reasons.__getitem__)
    return f", {reasons[why]} of them with: {why.removeprefix(prefix)}"


def adapter_failed(e: Evidence) -> str | None:
    """Return what went wrong in the adapter; None if nothing did.

    That it finds no id in an answer may be the backend's fault, unless it finds one in none.
    """
    accepted = e.sent - e.refused - e.failed
    if not e.adapter_errors and (accepted or not e.unread_answers):
        return None
    lines = [why.removeprefix(ADAPTER) for why in e.failures if why.startswith(ADAPTER)]
    first = f"adapter {lines[0]}" if lines else f"{_adapter(e)} failed"
    counted = {
        f"{e.adapter_errors} errors": e.adapter_errors,
        f"{e.unreadable} deliveries not read": e.unreadable,
        f"{e.unmade} triggers not made": e.unmade,
        f"{e.unread_answers} answers without a readable id": e.unread_answers,
        f"{len(lines)} kinds of error, see the failures": len(lines) > 1,
    }
    told = ", ".join(words for words, count in counted.items() if count)
    return f"{first} ({told}): fix the adapter, see {_DOCS}"


def ids_never_match(e: Evidence) -> str | None:
    """Return that no id in a broadcast is one that an answer to a trigger gave; None if some are."""
    accepted = e.sent - e.refused - e.failed
    if not e.unmatched or e.keys.matched or not (e.keys.learned or accepted > 0):
        return None
    gave = f"{e.keys.learned} triggers gave (for example {shorten(e.keys.in_answer)})"
    if not e.keys.learned:
        gave = f"{accepted} triggers gave: `key_of` found none in them"
    return (
        f"{_adapter(e)}: none of the ids in {e.unmatched} broadcasts received (for example "
        f"{shorten(e.keys.in_broadcast)}) is an id that the answers to {gave}; "
        f"of {e.lost} deliveries that count as lost, {min(e.unmatched, e.lost)} may be among them; "
        f"fix `read` or `key_of`, see {_DOCS}"
    )


def ids_partly_match(e: Evidence) -> str | None:
    """Return that some ids in broadcasts never met those of triggers that nobody heard of; None if they did."""
    if not e.unmatched or not e.keys.matched or not e.keys.silent_lost:
        return None
    return (
        f"{_adapter(e)}: {e.unmatched} broadcasts were received with ids that no answer gave (for example "
        f"{shorten(e.keys.in_broadcast)}), and no broadcast had the ids of {e.keys.silent} triggers (for example "
        f"{shorten(e.keys.in_answer)}): of {e.lost} deliveries that count as lost, "
        f"{min(e.unmatched, e.keys.silent_lost)} may be among them; see `read` and `key_of`"
    )


def failed_triggers(e: Evidence) -> str | None:
    """Return how many losses may be due to triggers without an id; None if there are none."""
    if not (e.failed and e.foreign and e.lost) or ids_never_match(e):
        return None
    return (
        f"{e.failed} triggers got no answer that has an id, and {e.foreign} broadcasts came with ids that "
        f"nobody knows: of {e.lost} deliveries that count as lost, {min(e.foreign, e.lost)} may be among them"
    )


def throttled(e: Evidence) -> str | None:
    """Return how many triggers the backend's throttle refused, and its limit; None if it refused none."""
    if not e.throttled:
        return None
    withheld = f", and {e.withheld} not sent because all addresses had to be quiet" if e.withheld else ""
    kept = f"{e.throttled} of {e.due} triggers were answered with 429 (the backend's throttle){withheld}"
    return f"{kept}: the load was not offered; {_throttle_limit(e)}"


def _throttle_limit(e: Evidence) -> str:
    limit = e.limit
    if limit is None:
        return "raise the backend's limit, or give more --source-addresses"
    quiet = f"asks for {limit.quiet_s:g} s of quiet" if limit.quiet_s else "answers 429 without Retry-After"
    if not limit.accepted:
        wait = f"wait {limit.quiet_s:g} s" if limit.quiet_s else "wait"
        return (
            f"the backend accepted no trigger from an address before it {quiet}: other requests have used up its "
            f"limit; {wait}, raise the limit, or give other --source-addresses"
        )
    # An address can be used again when its quiet is over.
    share = min(limit.quiet_s / e.publishing_s, 1.0) if limit.quiet_s and e.publishing_s else 1.0
    addresses = max(math.ceil(e.due * share / limit.accepted), limit.addresses + 1)
    return (
        f"the backend accepts about {limit.accepted} triggers from one address, then {quiet}: raise its limit, or "
        f"give {addresses} source addresses (--source-addresses; this run had {limit.addresses})"
    )


def refused_triggers(e: Evidence) -> str | None:
    """Return how many triggers the backend refused, apart from its throttle; None if it refused none."""
    refused = e.refused - e.throttled
    if refused <= 0:
        return None
    return (
        f"{refused} of {e.due} triggers were refused by the backend (HTTP 4xx): the load was not offered; "
        "Locust's list of failures has the answers"
    )


def overloaded_throughout(e: Evidence) -> str | None:
    """Return by how much scenarios left out of what is judged; None if they left enough."""
    timed = e.overloaded + e.judged
    if e.overloaded <= OVERLOADED_SUSPECT_SHARE * timed:
        return None
    return (
        f"scenarios overloaded the backend on purpose while {e.overloaded} of {timed} deliveries came, and the "
        "others are too few to judge latency by; raise --think-time or --run-time"
    )


def _adapter(e: Evidence) -> str:
    return f"{ADAPTER}{e.adapter}" if e.adapter else "the adapter"
