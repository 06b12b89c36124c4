"""The profiles of the backend, and the differences between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from loadtest.backends.prometheus import contract


@dataclass(frozen=True, slots=True)
class Profile:
    """One way for the backend to behave. The flags are the rows of the contract's profile table."""

    name: str
    checks_tokens: bool
    checks_rooms: bool
    leaves_rooms: bool
    answers_ping: bool
    sends_acks: bool
    patch_broadcasts: bool
    orchestrator_runs: bool
    has_docker: bool
    """Whether an agent works on a task that has one; without Docker, the task fails at once."""
    health_as_text: bool
    """Whether the health call returns sizes as text, such as `157.09 MB`, rather than as numbers."""
    joined_prefix: str
    throttle_limit: int
    """HTTP requests per handler and source address in the throttle's window; 0 switches it off."""


DOCUMENTED = Profile(
    name="documented",
    checks_tokens=True,
    checks_rooms=True,
    leaves_rooms=True,
    answers_ping=True,
    sends_acks=True,
    patch_broadcasts=True,
    orchestrator_runs=True,
    has_docker=False,
    health_as_text=False,
    joined_prefix=contract.JOINED_PREFIX_DOCUMENTED,
    throttle_limit=0,
)

AS_BUILT = Profile(
    name="as-built",
    checks_tokens=False,
    checks_rooms=False,
    leaves_rooms=False,
    answers_ping=False,
    sends_acks=False,
    patch_broadcasts=False,
    orchestrator_runs=False,
    has_docker=False,
    health_as_text=True,
    joined_prefix=contract.JOINED_PREFIX_AS_BUILT,
    throttle_limit=contract.THROTTLE_LIMIT,
)

DEPLOYED = replace(AS_BUILT, name="deployed", has_docker=True)

PROFILES = {profile.name: profile for profile in (DOCUMENTED, AS_BUILT, DEPLOYED)}
