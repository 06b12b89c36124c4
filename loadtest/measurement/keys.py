"""Leads ids in broadcasts back to the triggers whose answers gave them, and knows which never met."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from loadtest.measurement.triggers import Trigger


class KeyCounts(NamedTuple):
    """What one worker found of ids.

    learned: triggers whose answers gave an id.
    matched: those of them whose ids were in broadcasts.
    silent: those whose ids were not, and whose deliveries count as lost.
    silent_lost: these deliveries.
    in_broadcast, in_answer: an example each of an id that was not in the other.
    """

    learned: int = 0
    matched: int = 0
    silent: int = 0
    silent_lost: int = 0
    in_broadcast: str = ""
    in_answer: str = ""


def merge(counts: Iterable[KeyCounts]) -> KeyCounts:
    """Return several workers' as one; they have triggers in common, which are counted as the one that has most."""
    merged = KeyCounts()
    for one in counts:
        merged = KeyCounts(
            max(merged.learned, one.learned),
            max(merged.matched, one.matched),
            max(merged.silent, one.silent),
            merged.silent_lost + one.silent_lost,
            merged.in_broadcast or one.in_broadcast,
            merged.in_answer or one.in_answer,
        )
    return merged


class Keys:
    """Those of one worker, shared by all its viewpoints."""

    def __init__(self) -> None:
        self._triggers: dict[str, Trigger] = {}
        self._silent: dict[str, Trigger] = {}
        """Those of them whose ids no broadcast had yet."""
        self.learned = self.matched = 0
        self.unmatched_example = ""
        """The first id in a broadcast that no trigger had."""

    def learn(self, trigger: Trigger, most: int) -> None:
        """Take in a trigger whose answer gave an id.

        :param most: triggers that are remembered, the newest.
        """
        if trigger.key not in self._triggers:
            self._silent[trigger.key] = trigger
            self.learned += 1
        self._triggers[trigger.key] = trigger
        if len(self._triggers) > most:
            oldest = next(iter(self._triggers))
            del self._triggers[oldest]
            self._silent.pop(oldest, None)

    def trigger_of(self, key: str) -> Trigger | None:
        """Return the trigger that an id in a broadcast leads back to."""
        trigger = self._triggers.get(key)
        if trigger is not None and self._silent.pop(key, None) is not None:
            self.matched += 1
        return trigger

    def give_up(self, key: str) -> None:
        """No trigger will have this id any more."""
        self.unmatched_example = self.unmatched_example or key

    def counts(self, lost_of: Callable[[Trigger], int]) -> KeyCounts:
        """Return what was found.

        :param lost_of: how many deliveries of a trigger were lost.
        """
        silent = {trigger.key: lost for trigger in self._silent.values() if (lost := lost_of(trigger))}
        example = next(iter(silent or self._silent), "")
        lost = sum(silent.values())
        return KeyCounts(self.learned, self.matched, len(silent), lost, self.unmatched_example, example)
