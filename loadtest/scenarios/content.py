"""Texts that show where they were cut or changed, and what differs between two. Pure."""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import Any, Final

from loadtest.backends.prometheus import contract

_ODD: Final = (
    "é",
    "Ж",
    "中",
    "😀",
    '"',
    "\\",
    "\n",
    "\u2028",
    "\x00",
    "\x7f",
    "&",
    "<",
    "'",
    "\ufffd",
    "~",
    "e\u0301",
)
_SHOWN: Final = 20
_KEPT_CHARS: Final = 1_048_576
_TITLE_CHARS: Final = 'абвгд "quotes" \\back\\ 中文字 <b>&amp;</b> éèê {title} %s '
_TAG_CHARS: Final = 17
"""What a play puts before the title, to find it."""

LONGEST_TITLE: Final = (
    "".join(itertools.islice(itertools.cycle(_TITLE_CHARS), contract.TITLE_MAX_CHARS - _TAG_CHARS - 1)) + "."
)
"""With the tag, as long as a title may be; it ends in no space, which somebody might cut off."""
TOO_LONG_TITLE: Final = "!"
"""What makes it too long."""


def numbered(length: int) -> str:
    """Return an ASCII text in which each 8 characters are their own position."""
    return _positions(-(-length // _KEPT_CHARS))[:length]


@lru_cache(maxsize=2)
def _positions(kept: int) -> str:
    """Return the text for several of `_KEPT_CHARS`: made once, since it takes long enough to hold up a load."""
    count = kept * _KEPT_CHARS // 8
    return "%07d," * count % tuple(range(count))


def odd_text(length: int) -> str:
    """Return a text of all kinds of characters, `length` or a few more, of which no two parts are equal."""
    parts = []
    chars = 0
    for number, odd in enumerate(itertools.cycle(_ODD)):
        if chars >= length:
            break
        parts.append(f"{odd}{number}")
        chars += len(parts[-1])
    return "".join(parts)


def numbers(count: int) -> list[str]:
    """Return large numbers as JSON text, each unlike its neighbors: 4 characters long, and 5 by JavaScript."""
    return [f"{1 + position // 70 % 9}e{22 + position % 70}" for position in range(count)]


def difference(sent: Any, came: Any) -> str:
    """Return the first difference between two texts or lists, with its place; empty if there is none."""
    if type(sent) is not type(came):
        return f"{_kind(came)} came instead of {_kind(sent)}"
    if sent == came:
        return ""
    if not isinstance(sent, str | list):
        return f"{came!r:.40} came instead of {sent!r:.40}"
    one = "character" if isinstance(sent, str) else "item"
    pairs = enumerate(zip(sent, came, strict=False))
    place = next((place for place, (mine, theirs) in pairs if mine != theirs), None)
    if place is None:
        return f"{len(came)} {one}s came instead of {len(sent)}"
    if isinstance(sent, list):
        return f"item {place} of {len(sent)}: {difference(sent[place], came[place])}"
    mine, theirs = (text[place : place + _SHOWN] for text in (sent, came))
    return f"character {place} of {len(sent)} differs: {theirs!r} came instead of {mine!r}"


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
