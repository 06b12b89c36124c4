"""What the events of a task have to be, held against what came. Pure.

Without Docker a task makes seven events, without an agent three, and all of them are known. An agent at work makes
any number of logs with any text: known are the log that accepts the task, the start, the end and the logs of both.
Each function returns what is wrong, in a few words; nothing if all is right.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from loadtest.backends.prometheus import contract
from loadtest.scenarios.hearing import ENDS, acceptances_of, is_by_work, updates_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loadtest.clients.inbox import Heard
    from loadtest.scenarios.hearing import Listener, Task

CLOCKS_S: Final = 60.0
"""By how much the backend's clock may differ from this machine's."""
_ISO_8601: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_STATUS_LOG: Final = re.compile(re.escape(contract.LOG_STATUS).replace(r"\{status\}", "[A-Z_]+"))
_ACCEPTED: Final = contract.LOG_ACCEPTED.partition("{title}")[0]
_SHOWN: Final = 60
_MADE_ONCE: Final = tuple(f"[{tag}]" for tag in (contract.TAG_DOCKER, contract.TAG_GIT, contract.TAG_MEMORY))
"""Beginnings of logs that an agent makes once each, however long it works."""
_MOST_REPEATED: Final = 2
"""Other logs that may come twice in one millisecond by chance: an agent may say the same again."""


def wrong_statuses(statuses: Sequence[str]) -> str:
    """Return why these are not a task's updates: its start and one of its ends, once each."""
    right = len(statuses) == 2 and statuses[0] == contract.IN_PROGRESS and statuses[1] in ENDS
    return (
        ""
        if right
        else f"expected {contract.IN_PROGRESS} and then one end, got {', '.join(statuses) or 'nothing'}"
    )


def wrong_known_events(client: Listener, task: Task) -> str:
    """Return what is wrong with the events of a task that name it, at a client whose room has other tasks, too.

    These are the log that accepts it, its start and its end: once each, in this order.
    """
    accepted, updates = acceptances_of(client, task), updates_of(client, task)
    if wrong := wrong_statuses([str(update.data.get("newStatus")) for update in updates]):
        return wrong
    if len(accepted) != 1:
        return f"expected one log with the task's title, got {len(accepted)}"
    if client.heard.index(accepted[0]) > client.heard.index(updates[0]):
        return "the task's start came before the log that accepts it"
    return ""


def wrong_order(task: Task, heard: Sequence[Heard]) -> str:
    """Return the first event of a task that is not the one that had to come, or that came twice.

    :param heard: all events of a room that has no other task.
    """
    came = [_word(one) for one in heard]
    known = [_ACCEPTED, contract.IN_PROGRESS, contract.LOG_STATUS.format(status=contract.IN_PROGRESS)]
    begin = known if task.by_agent else known[:1]
    for number, expected in enumerate(begin):
        if number >= len(came) or not came[number].startswith(expected):
            return _not(number, expected, came)
    end = next((place for place in range(len(begin), len(came)) if _is_update(heard[place])), len(came))
    if end == len(came) or came[end] not in ENDS:
        return _not(end, f"the end, {' or '.join(ENDS)}", came)
    if end + 1 >= len(came) or came[end + 1] != contract.LOG_STATUS.format(status=came[end]):
        return _not(end + 1, contract.LOG_STATUS.format(status=came[end]), came)
    body, tail = came[len(begin) : end], came[end + 2 :]
    if (more := next((one for one in body if _is_known(one)), "")) or (more := _wrong_tail(task, body, tail)):
        return f"it came once too often, or had not to come: {more[:_SHOWN]}"
    return _wrong_body(task, body, came[end]) or _repeated(heard)


def _wrong_tail(task: Task, body: Sequence[str], tail: Sequence[str]) -> str:
    """Return the first log after the end that no agent makes: it only removes its container, if it had one."""
    docker = f"[{contract.TAG_DOCKER}]"
    had_container = task.by_agent and sum(one.startswith(docker) for one in body) > 1
    return next((one for one in tail if not (had_container and one.startswith(docker))), "")


def _wrong_body(task: Task, body: Sequence[str], end: str) -> str:
    """Return what is wrong between start and end. Where the container was not made, all of it is known."""
    if not task.by_agent:
        return f"expected no log before the end, got {body[0][:_SHOWN]}" if body else ""
    docker, critical = (_pattern(text) for text in (contract.LOG_DOCKER, contract.LOG_CRITICAL))
    without_container = bool(body) and critical.fullmatch(body[-1]) is not None
    if end == contract.COMPLETED:
        worked = any(is_by_work(one) for one in body) and not without_container
        return "" if worked else f"it is {end} without a log of any work"
    if not body or docker.fullmatch(body[-1]):
        return f"it is {end} without a log that says why"
    if not without_container:
        return ""
    if len(body) == 2 and docker.fullmatch(body[0]) and docker.findall(body[0]) == critical.findall(body[1]):
        return ""
    shown = ", ".join(one[:_SHOWN] for one in body)
    return f"expected the log that the container is created, and the one that it cannot be, got {shown}"


def _repeated(heard: Sequence[Heard]) -> str:
    """Return what came twice: a text that an agent sends once, or several texts of the same time."""
    logs = [one for one in heard if one.event == contract.AGENT_LOG]
    texts = Counter(text for one in logs if (text := _word(one)).startswith(_MADE_ONCE))
    if once_only := next((text for text, times in texts.items() if times > 1), ""):
        return f"it came more than once: {once_only[:_SHOWN]}"
    twice = [one for one, times in Counter(map(_shown, logs)).items() if times > 1]
    if len(twice) > _MOST_REPEATED:
        return f"{len(twice)} logs came more than once, with the same time: {twice[0][:_SHOWN]}"
    return ""


def wrong_title(task: Task, heard: Sequence[Heard]) -> str:
    """Return why the first log does not quote the task's title, whole and in its right place."""
    first = next((one for one in heard if one.event == contract.AGENT_LOG), None)
    expected = contract.LOG_ACCEPTED.format(title=task.title)
    came = "nothing" if first is None else _word(first)
    return "" if came == expected else f"expected {expected}, got {came[:200]}"


def wrong_payloads(task: Task, heard: Iterable[Heard]) -> str:
    """Return the first event that has not just the fields that it should have, or names somebody else."""
    for one in heard:
        expected: dict[str, Any] = {"agentId": task.agent_id, "agentName": task.agent_name}
        free = {"message", "timestamp"} if one.event == contract.AGENT_LOG else {"newStatus"}
        if one.event == contract.TASK_STATUS_UPDATE:
            expected["taskId"] = task.task_id
        if not isinstance(one.data, dict) or len(one.arguments) != 1:
            return f"{one.event}: expected one object, got {str(one.arguments)[:_SHOWN]}"
        if fields := set(one.data) ^ {*expected, *free}:
            kind = "misses" if fields - set(one.data) else "has"
            return f"{one.event} {kind} {', '.join(sorted(fields))}"
        for name, value in expected.items():
            if one.data[name] != value:
                return f"{one.event}.{name}: expected {value}, got {one.data[name]!r}"
        if not all(isinstance(one.data[name], str) for name in free):
            return f"{one.event}: expected texts in {', '.join(sorted(free))}"
    return ""


def wrong_times(heard: Iterable[Heard]) -> str:
    """Return the first time of a log that is not ISO 8601, is far from when the log came, or goes back."""
    before_s = 0.0
    for one in heard:
        if one.event != contract.AGENT_LOG:
            continue
        text = str(one.data.get("timestamp")) if isinstance(one.data, dict) else ""
        try:
            at_s = datetime.fromisoformat(text).timestamp() if _ISO_8601.fullmatch(text) else None
        except (ValueError, OverflowError):
            at_s = None
        if at_s is None:
            return f"expected a time by ISO 8601, got {text!r}"
        if abs(late_s := one.at_ns / 1e9 - at_s) > CLOCKS_S:
            return f"{text} is {late_s:.0f} s before the log came, and may be {CLOCKS_S:.0f} s before or after"
        if at_s < before_s:
            return f"{text} is earlier than the time of the log before"
        before_s = at_s
    return ""


def _word(one: Heard) -> str:
    """What tells an event from others of its task: a log's text, an update's status."""
    data = one.data if isinstance(one.data, dict) else {}
    return str(data.get("newStatus" if _is_update(one) else "message"))


def _is_update(one: Heard) -> bool:
    return one.event == contract.TASK_STATUS_UPDATE


def _is_known(word: str) -> bool:
    """Whether a log is one that comes once in a task's life, at a place of its own."""
    return word.startswith(_ACCEPTED) or _STATUS_LOG.fullmatch(word) is not None


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.escape(template).replace(r"\{image\}", "(.+)"))


def _not(number: int, expected: str, came: Sequence[str]) -> str:
    got = came[number][:_SHOWN] if number < len(came) else "nothing more"
    return f"event {number + 1}: expected {expected[:_SHOWN]}, got {got}"


def _shown(one: Heard) -> str:
    return f"{one.data.get('message')} ({one.data.get('timestamp')})" if isinstance(one.data, dict) else ""
