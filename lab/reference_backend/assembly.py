"""Puts the parts of a reference backend together: good ones, or those that can be told to do wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.reference_backend.breakages import Breakages
from lab.reference_backend.broken_realtime import BrokenRealtime
from lab.reference_backend.broken_rest import BrokenRest, BrokenTokens
from lab.reference_backend.orchestrator import Orchestrator
from lab.reference_backend.realtime import Realtime
from lab.reference_backend.rest import Rest
from lab.reference_backend.tokens import Tokens

if TYPE_CHECKING:
    from random import Random

    from lab.reference_backend.agent_options import AgentOptions
    from lab.reference_backend.database import Database
    from lab.reference_backend.injection import Injector
    from lab.reference_backend.profile import Profile
    from lab.reference_backend.throttle import Throttle
    from lab.reference_backend.tokens import Keys


@dataclass(frozen=True, slots=True)
class Parts:
    """Of one backend."""

    realtime: Realtime
    rest: Rest
    orchestrator: Orchestrator


def good(
    profile: Profile,
    throttle: Throttle,
    keys: Keys,
    database: Database,
    random: Random,
    agents: AgentOptions,
    injector: Injector | None,
    redis_url: str,
) -> Parts:
    """Those that do right, and the faults of the injector."""
    tokens = Tokens(keys, database)
    realtime = Realtime(profile, tokens, database, injector, redis_url)
    orchestrator = Orchestrator(profile, database, realtime.broadcast, random, agents)
    return Parts(realtime, Rest(profile, throttle, tokens, database, realtime, orchestrator), orchestrator)


def breakable(
    profile: Profile,
    throttle: Throttle,
    keys: Keys,
    database: Database,
    random: Random,
    agents: AgentOptions,
) -> Parts:
    """Those that do wrong what they are told to."""
    breakages = Breakages()
    tokens = BrokenTokens(keys, database)
    realtime = BrokenRealtime(profile, tokens, database, breakages)
    orchestrator = Orchestrator(profile, database, realtime.broadcast, random, agents)
    rest = BrokenRest(profile, throttle, tokens, database, realtime, orchestrator)
    tokens.broken = rest.broken = breakages
    rest.gateway = realtime
    return Parts(realtime, rest, orchestrator)
