"""Damage to a record: fields removed, of another type, not finite, negated, truncated."""

from __future__ import annotations

import copy
import math
import random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def places(holder: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a document."""
    keys = holder if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
    for key in list(keys):
        yield holder, key
        yield from places(holder[key])


def _remove(holder: Any, key: Any, _: random.Random) -> None:
    del holder[key]


def _retype(holder: Any, key: Any, chance: random.Random) -> None:
    holder[key] = chance.choice([None, "", "0", 0, 0.0, 1, True, False, [], {}, str(holder[key]), [holder[key]]])


def _not_finite(holder: Any, key: Any, chance: random.Random) -> None:
    holder[key] = chance.choice([math.nan, math.inf, -math.inf])


def _negate(holder: Any, key: Any, _: random.Random) -> None:
    value = holder[key]
    holder[key] = not value if isinstance(value, bool) else -value if isinstance(value, int | float) else None


def _truncate(holder: Any, key: Any, chance: random.Random) -> None:
    value = holder[key]
    if isinstance(value, str | list):
        holder[key] = value[: chance.randrange(len(value) + 1)]
    elif isinstance(value, dict):
        holder[key] = dict(list(value.items())[: chance.randrange(len(value) + 1)])
    else:
        holder[key] = 0


CHANGES: Final[list[Callable[[Any, Any, random.Random], None]]] = [
    _remove,
    _retype,
    _not_finite,
    _negate,
    _truncate,
]


def mutants(summary: dict[str, Any], count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield records with one to three changes, most of them where the outcome looks."""
    chance = random.Random(seed)
    fields = (
        "outcome",
        "slo",
        "validity",
        "figures",
        "not_measured",
        "capacity",
        "conformance_holds",
        "deliveries",
    )
    for number in range(count):
        changed = copy.deepcopy(summary)
        for _ in range(1 + number % 3):
            some = {name: changed[name] for name in fields if name in changed} if number % 2 else changed
            holder, key = chance.choice(list(places(some)))
            if holder is some:
                holder = changed
            chance.choice(CHANGES)(holder, key, chance)
        yield changed
