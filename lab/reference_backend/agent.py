"""An agent that works on a task, on a backend with a Docker daemon: its steps, which vary in number and in time.

Pure: the source of randomness is an argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lab.reference_backend import agent_texts as texts
from lab.reference_backend.steps import Step
from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from lab.reference_backend.agent_options import AgentOptions

_CREATING: Final = "creating"
_CREATED: Final = "created"
_CLONING: Final = "cloning"
_CLONED: Final = "cloned"
_MEMORY: Final = "memory"
_THOUGHT: Final = "thought"
_TOOL: Final = "tool"
_COMMAND: Final = "command"
_RESULT: Final = "result"

_SETUP: Final = (_CREATING, _CREATED, _CLONING, *(3 * (_COMMAND, _RESULT)), _CLONED, _MEMORY)
_ROUNDS: Final = ((_THOUGHT, _TOOL, _TOOL), (_THOUGHT, _COMMAND, _RESULT))
_LAST_ROUND: Final = (_THOUGHT,)
_DELAYED: Final = frozenset((_CREATED, _CLONED, _THOUGHT))

LONG_SHARE: Final = 0.02
"""Share of command results that are about 100 kB long."""
LONG_CHARS: Final = 100_000


def agent_steps(title: str, image: str, options: AgentOptions, random: Random) -> Iterator[Step]:
    """Yield the steps of one agent at work.

    :param title: the task's title.
    :param image: the project's Docker image.
    :param random: the agent's own source of randomness, so that its run does not depend on other agents.
    """
    stages = _stages(options, random)
    failed = random.random() < options.failure_share
    if failed:
        stages = stages[: random.randrange(len(stages) + 1)]
    yield Step(contract.LOG_ACCEPTED.format(title=title))
    yield from _change(contract.IN_PROGRESS)
    for stage in stages:
        delay_s = options.delay.draw_s(random) if stage in _DELAYED else 0.0
        yield Step(_text(stage, image, random), delay_s=delay_s)
    created = _CREATED in stages
    if failed:
        yield Step(_reason(stages, image, random))
    yield from _change(contract.FAILED if failed else contract.COMPLETED)
    if created:
        yield Step(texts.DESTROYING)
        yield Step(texts.DESTROYED)


def _stages(options: AgentOptions, random: Random) -> list[str]:
    """Draw the stages of a run that does not fail."""
    rounds = random.randint(1, options.max_rounds)
    stages = list(_SETUP)
    for _ in range(rounds - 1):
        stages += random.choice(_ROUNDS)
    return [*stages, *_LAST_ROUND]


def _change(status: str) -> Iterator[Step]:
    yield Step(status=status)
    yield Step(contract.LOG_STATUS.format(status=status))


def _reason(stages: Sequence[str], image: str, random: Random) -> str:
    """Return the log that says why a task failed. While its container is created, the cause is Docker."""
    if stages and stages[-1] == _CREATING:
        return contract.LOG_CRITICAL.format(image=image)
    return texts.CRITICAL + random.choice(texts.REASONS)


def _text(stage: str, image: str, random: Random) -> str:
    """Return the text of a stage's log."""
    if stage == _CREATING:
        return contract.LOG_DOCKER.format(image=image)
    if stage in texts.FIXED:
        return texts.PREFIXES[stage] + texts.FIXED[stage]
    if stage == _RESULT and random.random() < LONG_SHARE:
        return texts.PREFIXES[stage] + _long_output(random)
    return texts.PREFIXES[stage] + _phrase(stage, random)


def _phrase(stage: str, random: Random) -> str:
    """Return a phrase of a stage, followed by up to three fragments of odd text."""
    fragments = random.sample(texts.FRAGMENTS, random.randint(0, 3))
    return random.choice((" ", "\n")).join((random.choice(texts.PHRASES[stage]), *fragments))


def _long_output(random: Random) -> str:
    """Return the output of a command that prints about 100 kB."""
    lines: list[str] = []
    chars = 0
    while chars < LONG_CHARS:
        line = random.choice(texts.OUTPUT_LINES).replace("#", str(random.randrange(10**6)))
        lines.append(line)
        chars += len(line) + 1
    return "\n".join(lines)
