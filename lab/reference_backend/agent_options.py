"""The options of the profile `deployed`: how a reference backend's agents work."""

from __future__ import annotations

import argparse
import contextlib
import math
from dataclasses import dataclass
from typing import Final

from lab.reference_backend.fault_options import Delay
from lab.reference_backend.profile import DEPLOYED

_DELAY: Final = Delay(100.0, "exponential")


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """Settings of the agents.

    max_rounds: maximum number of rounds of an agent; the minimum is 1.
    delay: duration of each round, of creating the container and of cloning.
    failure_share: share of tasks that end FAILED, from 0 to 1.
    seed: seed of all random choices; each agent has its own generator, seeded by this and its number.
    """

    max_rounds: int = 5
    delay: Delay = _DELAY
    failure_share: float = 0.2
    seed: int = 1

    @classmethod
    def given(cls, options: argparse.Namespace) -> AgentOptions:
        """Return the settings that the command line gives."""
        values = {
            "max_rounds": options.agent_rounds,
            "delay": options.agent_delay,
            "failure_share": options.agent_failures,
        }
        return cls(**{name: value for name, value in values.items() if value is not None}, seed=options.seed)


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options to a command line."""
    default = AgentOptions()
    group = parser.add_argument_group(f"agents at work, with --profile {DEPLOYED.name} only")
    group.add_argument(
        "--agent-rounds",
        type=_rounds,
        help=f"maximum rounds of an agent; each task draws a number from 1 to this (default {default.max_rounds})",
    )
    group.add_argument(
        "--agent-delay",
        type=_delay,
        help="milliseconds of each round, of creating the container and of cloning: 120 for a constant, or "
        f"exponential:120 for a mean (default {default.delay.law}:{default.delay.mean_ms:g})",
    )
    group.add_argument(
        "--agent-failures",
        type=_share,
        help=f"share of tasks that end FAILED, from 0 to 1 (default {default.failure_share})",
    )


def check(options: argparse.Namespace) -> None:
    """Check that the options fit the profile.

    :raises ValueError: if they are given where there are no agents.
    """
    if options.profile != DEPLOYED.name and AgentOptions.given(options) != AgentOptions(seed=options.seed):
        raise ValueError(
            f"--agent-rounds, --agent-delay and --agent-failures need --profile {DEPLOYED.name}, got "
            f"{options.profile}: only there are agents at work"
        )


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text!r}")
    return int(text)


def _delay(text: str) -> Delay:
    with contextlib.suppress(ValueError):
        if math.isfinite((delay := Delay.parse(text)).mean_ms):
            return delay
    raise argparse.ArgumentTypeError(f"expected milliseconds, as 120 or exponential:120, got {text!r}")


def _share(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= (share := float(text)) <= 1:
            return share
    raise argparse.ArgumentTypeError(f"expected a share from 0 to 1, got {text!r}")
