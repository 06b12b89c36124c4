"""Security findings: what a backend lets happen that it should not, with severity. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from loadtest.scenarios import capabilities as can

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtest.scenarios.capabilities import Capabilities


class Severity(IntEnum):
    """From harmless to bad."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


@dataclass(frozen=True, slots=True)
class Rule:
    """A finding wherever a capability is missing."""

    capability: str
    severity: Severity
    title: str


RULES: Final = (
    Rule(can.OWN_ROOMS, Severity.CRITICAL, "anybody may read any project's room"),
    Rule(can.GUEST_ROOMS, Severity.CRITICAL, "guests may read any project's room"),
    Rule(can.NAMELESS, Severity.CRITICAL, "a token that names no user opens any project's room"),
    Rule(can.TOKEN_ID, Severity.CRITICAL, "a token that names no user is taken for somebody's"),
    Rule(can.REST_TOKENS, Severity.CRITICAL, "REST takes tokens that are unsigned or signed by somebody else"),
    Rule(can.TOKEN_CHECK, Severity.HIGH, "Socket.IO does not check tokens"),
    Rule(can.TOKEN_EXPIRY, Severity.HIGH, "Socket.IO takes expired tokens"),
    Rule(can.REST_EXPIRY, Severity.HIGH, "REST takes expired tokens"),
    Rule(can.ROOM_IDS, Severity.MEDIUM, "rooms can be joined that do not exist"),
    Rule(can.THROTTLE, Severity.LOW, "HTTP is not throttled"),
)


SCENARIO: Final = "finding"
"""Under which scenarios tell what they found, instead of a check's own."""
FLOOD: Final = "flood"
OUTLIVES: Final = "outlives"
SEEN: Final = {
    FLOOD: (
        Severity.MEDIUM,
        "one client may open any number of connections",
        "Limit connections for each user and address, in the backend or in the load balancer before it.",
    ),
    OUTLIVES: (
        Severity.LOW,
        "a connection outlives its token",
        "Disconnect a socket when its token expires, or verify the token again on joinProjectRoom.",
    ),
}
"""What scenarios find while the run goes on: name -> (severity, title, way on)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that should not be."""

    severity: Severity
    title: str
    evidence: str
    way_on: str

    def to_json(self) -> dict[str, Any]:
        """As it stands in a run's summary."""
        return {**asdict(self), "severity": self.severity.name.lower()}


def findings_of(capabilities: Capabilities, seen: Mapping[str, str]) -> list[Finding]:
    """What a backend's answers, and what scenarios saw, say of its security, the worst first.

    :param seen: name in `SEEN` -> evidence.
    """
    found = [
        Finding(
            rule.severity,
            rule.title,
            capabilities.answers[rule.capability].evidence,
            can.REMEDIES[rule.capability],
        )
        for rule in RULES
        if capabilities.answers[rule.capability].yes is False
    ]
    for name, evidence in seen.items():
        severity, title, way_on = SEEN[name]
        found.append(Finding(severity, title, evidence, way_on))
    return sorted(found, key=lambda finding: -finding.severity)
