"""A grammar of a task's broadcasts on a backend with a Docker daemon, with one letter for each broadcast."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import websocket

from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..support import Wire

_LETTERS = {
    '[Оркестратор]: Принял задачу "': "A",
    "[Оркестратор]: КРИТИЧЕСКАЯ ОШИБКА: ": "X",
    "[Статус]: Статус задачи изменен на ": "s",
    "[Docker]: Создаю ": "d",
    "[Docker]: Среда создана": "D",
    "[Docker]: Удаляю ": "e",
    "[Docker]: Среда удалена": "E",
    "[Git]: Клонирую ": "g",
    "[Git]: Репозиторий склонирован": "G",
    "[Команда]: ": "c",
    "[Результат]: ": "r",
    "[Память]: ": "m",
    "[Мысль]: ": "t",
    "[Инструмент]: ": "i",
}
_UPDATES = {"IN_PROGRESS": "P", "COMPLETED": "C", "FAILED": "F"}
_SETUP = "dDgcrcrcrGm"
_ROUND = "t(?:ii|cr)"


def _cut_short() -> str:
    """Return the grammar of a setup and of rounds that may end anywhere."""
    pattern = f"(?:{_ROUND})*(?:t[ic]?)?"
    for letter in reversed(_SETUP):
        pattern = f"(?:{letter}{pattern})?"
    return pattern


_COMPLETED = re.compile(f"APs{_SETUP}(?:{_ROUND})*tCseE")
_FAILED = re.compile(f"APs(?P<work>{_cut_short()})XFs(?P<destroyed>eE)?")


def letter_of(event: str, payload: dict[str, Any]) -> str:
    """Return the letter of one broadcast."""
    if event == contract.TASK_STATUS_UPDATE:
        return _UPDATES[payload["newStatus"]]
    (letter,) = [letter for begins, letter in _LETTERS.items() if payload["message"].startswith(begins)]
    return letter


def sentence_of(events: Iterable[list[Any]]) -> str:
    """Return the letters of a task's broadcasts, in order."""
    return "".join(letter_of(event, payload) for event, payload in events)


def is_grammatical(sentence: str) -> bool:
    """Return whether a task's broadcasts are those of an agent, from the title to the end of its container."""
    if failed := _FAILED.fullmatch(sentence):
        return ("D" in failed["work"]) == bool(failed["destroyed"])
    return _COMPLETED.fullmatch(sentence) is not None


def has_ended(sentence: str) -> bool:
    """Return whether no further broadcast will come."""
    return sentence.endswith("E") or ("D" not in sentence and sentence.endswith("Fs"))


def run_of(wire: Wire, on_update: Callable[[dict[str, Any]], None] = lambda _: None) -> list[list[Any]]:
    """Return the broadcasts of a room's only task, to its end.

    :param on_update: called with each `taskStatusUpdate` when it comes.
    """
    events: list[list[Any]] = []
    sentence = ""
    while not has_ended(sentence):
        events.append(wire.event())
        if events[-1][0] == contract.TASK_STATUS_UPDATE:
            on_update(events[-1][1])
        sentence += letter_of(*events[-1])
    return events


def rest_of(wire: Wire, for_s: float = 0.4) -> list[list[Any]]:
    """Return the broadcasts that come until none has come for a time."""
    events: list[list[Any]] = []
    with suppress(websocket.WebSocketTimeoutException):
        while True:
            events.append(wire.event(for_s))
    return events
